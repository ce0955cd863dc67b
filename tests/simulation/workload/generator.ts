import type { ServiceOperations } from "./service-operations.ts";
import type { AccountOperations } from "./account-operations.ts";
import type { OpenvOperations } from "./openv-operations.ts";
import type { CanvasWorkload } from "./canvas-workload.ts";
import type { ImportOperations } from "./import-operations.ts";
import type { KeyedRequests } from "./keyed-requests.ts";
import type { User } from "../model/user.ts";
import type { Operation, Turn } from "./journal.ts";
import type { OwnJob, VideoOperations } from "./video-operations.ts";
import { attemptIn } from "../world/paid-runs.ts";
import { falReporter, runpodReporter, webhookKindsOf } from "../faults/webhooks.ts";
import type { Random } from "../runtime/random.ts";
import type { Sequences } from "./sequences.ts";
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
  canvas: 10,
  import: 3,
  "canvas read": 1,
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

/** Everything that can happen. */
export interface Workload {
  operations: VideoOperations;
  keyed: KeyedRequests;
  sequences: Sequences;
  openvs: OpenvOperations;
  canvas: CanvasWorkload;
  imports: ImportOperations;
  accounts: AccountOperations;
  uploads: UploadOperations;
  shares: ShareOperations;
  services: ServiceOperations;
}

/** Draws what happens next: one operation, or several at once about the same thing. */
export class WorkloadGenerator {
  #transactions = 0;

  constructor(
    private readonly world: World,
    private readonly workload: Workload,
    private readonly random: Random,
  ) {}

  one(): Operation {
    const chosen = this.random.weighted(WEIGHTS);
    this.world.counts.add("operations", chosen);
    switch (chosen) {
      case "request":
        return this.workload.keyed.request(this.#user());
      case "transition":
        return this.workload.keyed.transition(this.#user());
      case "batch":
        return this.workload.keyed.batch(this.#user());
      case "openv":
        return this.workload.keyed.openv(this.#user());
      case "openv list":
        return this.workload.openvs.list(this.#recent(this.workload.operations.jobs)?.user ?? this.#user());
      case "canvas":
        return this.workload.canvas.any(this.#user());
      case "import":
        return this.workload.imports.any(this.#user());
      case "canvas read": {
        const job = this.#recent(this.workload.operations.jobs);
        return job === undefined ? this.workload.services.tick() : this.workload.canvas.read(job);
      }
      case "duplicate":
        return this.#recent(this.workload.keyed.repeats)?.() ?? this.workload.keyed.request(this.#user());
      case "poll":
        return this.#poll(this.#recent(this.workload.operations.jobs));
      case "trespass":
        return this.#trespass();
      case "tick":
        return this.workload.services.tick();
      case "cancel":
        return this.#cancel(this.#recent(this.workload.operations.jobs));
      case "delete":
        return this.#delete(this.#recent(this.workload.operations.jobs));
      case "sync":
        return this.workload.operations.sync(this.#user());
      case "webhook":
        return this.#webhook();
      case "odd webhook":
        return this.#oddWebhook();
      case "credits":
        return this.#credits();
      case "purge":
        return this.workload.services.tick("purge");
      case "erase":
        return this.#erase(true);
      case "dashboard":
        return this.workload.accounts.deleteByDashboard(
          this.#recent(this.workload.operations.jobs)?.user ?? this.#user(),
          true,
        );
      case "upload":
        return this.workload.uploads.any(
          (this.random.chance(0.05) ? this.random.maybe(this.workload.accounts.leaving) : undefined) ?? this.#user(),
        );
      case "share":
        return this.#share(this.#recent(this.workload.operations.jobs));
    }
  }

  /** Operations that follow each other without others between. */
  turns(): Turn[] {
    this.world.counts.add("operations", "in turns");
    const user = this.#user();
    // Who has bought credits reaches the other limits.
    const purchase = this.workload.services.addCredits(user, `purchase-${++this.#transactions}`, 80);
    return this.workload.sequences.any(user, purchase);
  }

  /** Several operations about the same key, job, user or account, or several ticks of the worker. */
  several(): Operation[] {
    const count = this.random.whole(2, 8);
    const about = this.random.weighted({ key: 5, job: 8, worker: 4, user: 4, account: 1, node: 4, import: 1 });
    this.world.counts.add("operations", `several at once: ${about}`);
    if (about === "node") return this.workload.canvas.several(count) ?? [this.workload.services.tick()];
    if (about === "import") return this.workload.imports.several(count, this.#user());
    const user = this.#user();
    const first = about === "key"
      ? this.workload.keyed.any(user)
      : about === "account"
      ? this.#erase(false, user)
      : null;
    const again = this.workload.keyed.repeats.at(-1);
    const recent = this.random.recent(this.workload.operations.jobs, 20);
    const own = user.jobs.at(-1);
    const job = about === "account" && own !== undefined ? { user, history: own } : recent;
    return Array.from({ length: count }, (_, index) => {
      if (first !== null && index === 0) return first;
      if (about === "key" && again !== undefined) return again();
      if (about === "user") return this.workload.keyed.any(user);
      if (about === "account") return this.#aboutAccount(user, job);
      if (about === "worker" && index < 3) return this.workload.services.tick();
      return this.#aboutJob(job);
    });
  }

  #aboutAccount(user: User, job: OwnJob | undefined): Operation {
    switch (this.random.weighted({ request: 3, erase: 1, dashboard: 0.3, job: 4 })) {
      case "request":
        return this.random.chance(0.2) ? this.workload.uploads.ask(user) : this.workload.keyed.any(user);
      case "erase":
        return this.workload.accounts.erase(user, false);
      case "dashboard":
        return this.workload.accounts.deleteByDashboard(user, false);
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
        return this.workload.operations.sync(job?.user ?? this.#user());
      case "webhook": {
        const last = this.world.fal.runs.findLast(({ webhookUrl }) =>
          job !== undefined && attemptIn(webhookUrl).job === job.history.jobId
        );
        const run = last === undefined ? null : falReporter(last);
        return run === null
          ? this.#poll(job)
          : this.workload.services.deliver({ run, kind: "repeated", due: 0, tries: 9 });
      }
      case "tick":
        return this.workload.services.tick();
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
    const again = this.random.chance(0.15) ? this.random.maybe(this.workload.accounts.leaving) : undefined;
    const user = again ?? chosen ?? this.#recent(this.workload.operations.jobs)?.user ?? this.#user();
    return this.workload.accounts.erase(user, alone);
  }

  #poll(job: OwnJob | undefined): Operation {
    return job === undefined ? this.workload.services.tick() : this.workload.operations.poll(job.user, job.history);
  }

  #cancel(job: OwnJob | undefined): Operation {
    return job === undefined ? this.workload.services.tick() : this.workload.operations.cancel(job.user, job.history);
  }

  #delete(job: OwnJob | undefined): Operation {
    if (job === undefined) return this.workload.services.tick();
    const other = this.random.maybe(this.workload.operations.jobs);
    return this.workload.operations.delete(
      job.user,
      job.history,
      other?.user === job.user ? undefined : other?.history,
    );
  }

  #share(job: OwnJob | undefined): Operation {
    return job === undefined ? this.workload.services.tick() : this.workload.shares.any(job.user, job.history);
  }

  #trespass(): Operation {
    const job = this.#recent(this.workload.operations.jobs);
    const user = this.#user();
    if (job === undefined || job.user === user) return this.#poll(job);
    return this.workload.operations.trespass(user, job.history);
  }

  #webhook(): Operation {
    const webhook = this.world.webhooks.takeDue();
    return webhook === undefined ? this.workload.services.tick() : this.workload.services.deliver(webhook);
  }

  /** A webhook of any run, ended or not, from an attacker or from a provider that makes mistakes. */
  #oddWebhook(): Operation {
    const { fal, runpod } = this.world;
    const ofRunpod = this.random.chance(0.2) ? this.#recent(runpod.runs) : undefined;
    const ofFal = this.#recent(fal.runs);
    const run = ofRunpod !== undefined ? runpodReporter(ofRunpod) : ofFal === undefined ? null : falReporter(ofFal);
    if (run === null) return this.workload.services.tick();
    const drawn = this.random.pick(webhookKindsOf(run));
    const kind = ["genuine", "late", "before the answer"].includes(drawn)
      ? (run.isOver() ? "repeated" : "early")
      : drawn;
    return this.workload.services.deliver({ run, kind, due: 0, tries: 9 });
  }

  #credits(): Operation {
    const again = this.random.maybe([...this.workload.services.added.keys()].slice(-20));
    const known = again === undefined ? undefined : this.workload.services.added.get(again);
    if (again !== undefined && known !== undefined && !known.user.leaving && this.random.chance(0.5)) {
      return this.workload.services.addCredits(known.user, again, known.amount);
    }
    return this.workload.services.addCredits(
      this.#user(),
      `purchase-${++this.#transactions}`,
      this.random.whole(5, 80),
    );
  }
}
