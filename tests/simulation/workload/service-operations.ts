import type { Journal, Operation } from "./journal.ts";
import type { User } from "../model/user.ts";
import type { Operations } from "./video-operations.ts";
import { attemptIn } from "../world/paid-runs.ts";
import { DELIVERIES, type Mail } from "../faults/webhooks.ts";
import { Violation } from "../runtime/violation.ts";
import type { World } from "../world/world.ts";

/** What is done by others than clients: the provider, the cron and the shop. */
export class Backstage {
  /** By transaction. */
  readonly added = new Map<string, { user: User; amount: number; acknowledged: boolean }>();

  constructor(
    private readonly world: World,
    private readonly operations: Operations,
    private readonly journal: Journal,
  ) {}

  deliver(mail: Mail): Operation {
    return this.journal.operation(`webhook ${mail.delivery} of ${mail.run.id}`, async (moment) => {
      const { path, headers, body } = await this.world.postman.write(this.world.provider.simulation.keys, mail);
      const { status } = await this.world.endpoints.call("provider-webhook", { path, headers, body });
      this.world.counts.add("webhooks", `${mail.delivery}: ${status}`);
      if (mail.run.provider !== "fal") this.world.counts.add("webhooks", `of ${mail.run.provider}`);
      if (status < 200 || status > 299) this.world.postman.putBack(mail);
      const { started, disturbed } = moment();
      const allowed: readonly number[] = DELIVERIES[mail.delivery];
      const job = this.operations.find(attemptIn(mail.run.webhookUrl).job);
      if (status === 200 && job !== undefined && job.history.goneSince < started) {
        throw new Violation(`A webhook found ${job.history.jobId}, which is gone`);
      }
      // Keys that cannot be fetched, or that have just been changed.
      const unsure = status === 503 || (status === 401 && this.world.provider.hasOtherKeys());
      if (allowed.includes(status) || unsure || (disturbed && status >= 500)) return;
      throw new Violation(`A webhook (${mail.delivery}) was answered ${status}`);
    });
  }

  tick(task: "advance" | "purge" = "advance"): Operation {
    return this.journal.operation(task, async (moment) => {
      const body = task === "purge"
        ? { body: JSON.stringify({ task }), headers: { "content-type": "application/json" } }
        : {};
      const { status } = await this.world.endpoints.call("advance-jobs", body);
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

  /** Checks the purchases in the ledger: each acknowledged one is there, with its amount, and there is no other. */
  checkPurchases(booked: ReadonlyMap<string, number>): void {
    for (const [transaction, { amount, acknowledged }] of this.added) {
      const found = booked.get(transaction);
      if (found === undefined ? acknowledged : found !== amount) {
        throw new Violation(`${transaction} of ${amount} credits is booked with ${found}`);
      }
    }
    if ([...booked.keys()].some((transaction) => !this.added.has(transaction))) {
      throw new Violation("Credits from nowhere");
    }
  }
}
