import type { ServiceOperations } from "./service-operations.ts";
import type { AccountOperations } from "./account-operations.ts";
import type { OpenvOperations } from "./openv-operations.ts";
import type { KeyedRequests } from "./keyed-requests.ts";
import type { User } from "../model/user.ts";
import type { Operation } from "./journal.ts";
import type { OwnJob, VideoOperations } from "./video-operations.ts";
import { attemptIn } from "../world/paid-runs.ts";
import { falReporter, runpodReporter, webhookKindsOf } from "../faults/webhooks.ts";
import type { Random } from "../runtime/random.ts";
import type { ShareOperations } from "./share-operations.ts";
import type { UploadOperations } from "./upload-operations.ts";
import type { World } from "../world/world.ts";

/** How many of about a hundred operations are of each kind. */
const WEIGHTS = {
  request: 16,
  transition: 4,
  batch: 1,
  openv: 3,
  "openv list": 2,
  duplicate: 10,
  poll: 28,
  trespass: 2,
  tick: 9,
  cancel: 3,
  delete: 1.5,
  sync: 4,
  webhook: 16,
  "odd webhook": 3,
  credits: 4,
  purge: 0.1,
  erase: 0.2,
  dashboard: 0.1,
  upload: 3,
  share: 4,
};

const HEAVY_USERS = 8;

/** Draws what happens next: one operation, or several at once about the same thing. */
export class WorkloadGenerator {
  #transactions = 0;

  constructor(
    private readonly world: World,
    private readonly operations: VideoOperations,
    private readonly keyed: KeyedRequests,
    private readonly openvs: OpenvOperations,
    private readonly accounts: AccountOperations,
    private readonly uploads: UploadOperations,
    private readonly shares: ShareOperations,
    private readonly services: ServiceOperations,
    private readonly random: Random,
  ) {}

  one(): Operation {
    const chosen = this.random.weighted(WEIGHTS);
    this.world.counts.add("operations", chosen);
    switch (chosen) {
      case "request":
        return this.keyed.request(this.#user());
      case "transition":
        return this.keyed.transition(this.#user());
      case "batch":
        return this.keyed.batch(this.#user());
      case "openv":
        return this.keyed.openv(this.#user());
      case "openv list":
        return this.openvs.list(this.#recent(this.operations.jobs)?.user ?? this.#user());
      case "duplicate":
        return this.#recent(this.keyed.repeats)?.() ?? this.keyed.request(this.#user());
      case "poll":
        return this.#poll(this.#recent(this.operations.jobs));
      case "trespass":
        return this.#trespass();
      case "tick":
        return this.services.tick();
      case "cancel":
        return this.#cancel(this.#recent(this.operations.jobs));
      case "delete":
        return this.#delete(this.#recent(this.operations.jobs));
      case "sync":
        return this.operations.sync(this.#user());
      case "webhook":
        return this.#webhook();
      case "odd webhook":
        return this.#oddWebhook();
      case "credits":
        return this.#credits();
      case "purge":
        return this.services.tick("purge");
      case "erase":
        return this.#erase(true);
      case "dashboard":
        return this.accounts.deleteByDashboard(this.#recent(this.operations.jobs)?.user ?? this.#user(), true);
      case "upload":
        return this.uploads.any(this.#user());
      case "share":
        return this.#share(this.#recent(this.operations.jobs));
    }
  }

  /** Several operations about the same key, job, user or account, or several ticks of the worker. */
  several(): Operation[] {
    const count = this.random.whole(2, 8);
    const about = this.random.weighted({ key: 5, job: 8, worker: 4, user: 4, account: 1 });
    this.world.counts.add("operations", `several at once: ${about}`);
    const user = this.#user();
    const first = about === "key" ? this.keyed.any(user) : about === "account" ? this.#erase(false, user) : null;
    const again = this.keyed.repeats.at(-1);
    const recent = this.random.recent(this.operations.jobs, 20);
    const own = user.jobs.at(-1);
    const job = about === "account" && own !== undefined ? { user, history: own } : recent;
    return Array.from({ length: count }, (_, index) => {
      if (first !== null && index === 0) return first;
      if (about === "key" && again !== undefined) return again();
      if (about === "user") return this.keyed.any(user);
      if (about === "account") return this.#aboutAccount(user, job);
      if (about === "worker" && index < 3) return this.services.tick();
      return this.#aboutJob(job);
    });
  }

  #aboutAccount(user: User, job: OwnJob | undefined): Operation {
    switch (this.random.weighted({ request: 3, erase: 1, dashboard: 0.3, job: 4 })) {
      case "request":
        return this.random.chance(0.2) ? this.uploads.ask(user) : this.keyed.any(user);
      case "erase":
        return this.accounts.erase(user, false);
      case "dashboard":
        return this.accounts.deleteByDashboard(user, false);
      case "job":
        return this.#aboutJob(job);
    }
  }

  #aboutJob(job: OwnJob | undefined): Operation {
    switch (this.random.weighted({ poll: 4, cancel: 1, delete: 0.5, sync: 2, tick: 2, webhook: 3, share: 1 })) {
      case "poll":
        return this.#poll(job);
      case "cancel":
        return this.#cancel(job);
      case "delete":
        return this.#delete(job);
      case "sync":
        return this.operations.sync(job?.user ?? this.#user());
      case "webhook": {
        const last = this.world.fal.runs.findLast(({ webhookUrl }) =>
          job !== undefined && attemptIn(webhookUrl).job === job.history.jobId
        );
        const run = last === undefined ? null : falReporter(last);
        return run === null ? this.#poll(job) : this.services.deliver({ run, kind: "repeated", due: 0, tries: 9 });
      }
      case "tick":
        return this.services.tick();
      case "share":
        return this.#share(job);
    }
  }

  #user(): User {
    const { users } = this.world;
    return this.random.pick(this.random.chance(0.3) ? users.slice(0, HEAVY_USERS) : users);
  }

  #recent<Item>(items: readonly Item[]): Item | undefined {
    return this.random.chance(0.85) ? this.random.recent(items, 150) : this.random.maybe(items);
  }

  /** Mostly a user with videos; sometimes one whose account is deleted already. */
  #erase(alone: boolean, chosen?: User): Operation {
    const again = this.random.chance(0.15) ? this.random.maybe(this.accounts.leaving) : undefined;
    const user = again ?? chosen ?? this.#recent(this.operations.jobs)?.user ?? this.#user();
    return this.accounts.erase(user, alone);
  }

  #poll(job: OwnJob | undefined): Operation {
    return job === undefined ? this.services.tick() : this.operations.poll(job.user, job.history);
  }

  #cancel(job: OwnJob | undefined): Operation {
    return job === undefined ? this.services.tick() : this.operations.cancel(job.user, job.history);
  }

  #delete(job: OwnJob | undefined): Operation {
    if (job === undefined) return this.services.tick();
    const other = this.random.maybe(this.operations.jobs);
    return this.operations.delete(job.user, job.history, other?.user === job.user ? undefined : other?.history);
  }

  #share(job: OwnJob | undefined): Operation {
    return job === undefined ? this.services.tick() : this.shares.any(job.user, job.history);
  }

  #trespass(): Operation {
    const job = this.#recent(this.operations.jobs);
    const user = this.#user();
    if (job === undefined || job.user === user) return this.#poll(job);
    return this.operations.trespass(user, job.history);
  }

  #webhook(): Operation {
    const webhook = this.world.webhooks.takeDue();
    return webhook === undefined ? this.services.tick() : this.services.deliver(webhook);
  }

  /** A webhook of any run, ended or not, from an attacker or from a provider that makes mistakes. */
  #oddWebhook(): Operation {
    const { fal, runpod } = this.world;
    const ofRunpod = this.random.chance(0.2) ? this.#recent(runpod.runs) : undefined;
    const ofFal = this.#recent(fal.runs);
    const run = ofRunpod !== undefined ? runpodReporter(ofRunpod) : ofFal === undefined ? null : falReporter(ofFal);
    if (run === null) return this.services.tick();
    const drawn = this.random.pick(webhookKindsOf(run));
    const kind = ["genuine", "late", "before the answer"].includes(drawn)
      ? (run.isOver() ? "repeated" : "early")
      : drawn;
    return this.services.deliver({ run, kind, due: 0, tries: 9 });
  }

  #credits(): Operation {
    const again = this.random.maybe([...this.services.added.keys()].slice(-20));
    const known = again === undefined ? undefined : this.services.added.get(again);
    if (again !== undefined && known !== undefined && !known.user.leaving && this.random.chance(0.5)) {
      return this.services.addCredits(known.user, again, known.amount);
    }
    return this.services.addCredits(this.#user(), `purchase-${++this.#transactions}`, this.random.whole(5, 80));
  }
}
