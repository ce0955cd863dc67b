import type { Journal, Operation } from "./journal.ts";
import type { User } from "../model/user.ts";
import type { VideoOperations } from "./video-operations.ts";
import { attemptIn } from "../world/paid-runs.ts";
import { type QueuedWebhook, WEBHOOK_ANSWERS } from "../faults/webhooks.ts";
import { Violation } from "../runtime/violation.ts";
import type { World } from "../world/world.ts";

/** What other services do: webhooks of providers, ticks of the cron, and purchases of the shop. */
export class ServiceOperations {
  /** The purchases, by transaction. */
  readonly added = new Map<string, { user: User; amount: number; acknowledged: boolean }>();
  /** Whether the last tick reached one of its limits: then due jobs wait for the next one. */
  hasMoreDue = false;

  constructor(
    private readonly world: World,
    private readonly operations: VideoOperations,
    private readonly journal: Journal,
  ) {}

  deliver(webhook: QueuedWebhook): Operation {
    return this.journal.operation(`webhook ${webhook.kind} of ${webhook.run.id}`, async (moment) => {
      const { endpoint, ...request } = await this.world.webhooks.writeRequest(this.world.fal.simulation.keys, webhook);
      const { status } = await this.world.endpoints.call(endpoint, request);
      this.world.counts.add("webhooks", `${webhook.kind}: ${status}`);
      if (webhook.run.provider !== "fal") this.world.counts.add("webhooks", `of ${webhook.run.provider}`);
      if (status < 200 || status > 299) this.world.webhooks.retryLater(webhook);
      const { started, disturbed } = moment();
      const allowed: readonly number[] = WEBHOOK_ANSWERS[webhook.kind];
      const job = this.operations.find(attemptIn(webhook.run.webhookUrl).job);
      if (status === 200 && job !== undefined && job.history.goneSince < started) {
        throw new Violation(`A webhook found ${job.history.jobId}, which is gone`);
      }
      // fal's keys cannot be fetched, or they have just changed.
      const unsure = status === 503 || (status === 401 && this.world.fal.hasOtherKeys());
      if (allowed.includes(status) || unsure || (disturbed && status >= 500)) return;
      throw new Violation(`A webhook (${webhook.kind}) was answered ${status}`);
    });
  }

  tick(task: "advance" | "purge" = "advance"): Operation {
    return this.journal.operation(task, async (moment) => {
      const body = task === "purge"
        ? { body: JSON.stringify({ task }), headers: { "content-type": "application/json" } }
        : {};
      const { status, body: done } = await this.world.endpoints.call("advance-jobs", body);
      this.hasMoreDue = done.more === true;
      if (this.hasMoreDue) this.world.counts.add("operations", "tick at its limit");
      if (status !== 200 && !moment().disturbed) throw new Violation(`The worker answered ${status}`);
    });
  }

  addCredits(user: User, transaction: string, amount: number): Operation {
    return this.journal.operation(`add ${amount} credits to u${user.index} by ${transaction}`, async () => {
      const entry = this.added.get(transaction) ?? { user, amount, acknowledged: false };
      this.added.set(transaction, entry);
      const { error, data } = await this.world.dependencies.client.rpc("add_credits", {
        p_user_id: user.id,
        p_amount: amount,
        p_reason: "purchase",
        p_transaction_id: transaction,
      });
      if (error === null && data !== null) entry.acknowledged = true;
    });
  }

  /** Checks the ledger: each acknowledged purchase is booked with its amount, and no other purchase is booked. */
  checkPurchases(booked: ReadonlyMap<string, number>): void {
    for (const [transaction, { amount, acknowledged }] of this.added) {
      const found = booked.get(transaction);
      if (found === undefined ? acknowledged : found !== amount) {
        throw new Violation(`${transaction} of ${amount} credits is booked with ${found}`);
      }
    }
    if ([...booked.keys()].some((transaction) => !this.added.has(transaction))) {
      throw new Violation("The ledger has a purchase that was never made");
    }
  }
}
