import type { Backstage } from "./backstage.ts";
import type { JobHistory } from "./job-history.ts";
import type { Key, User } from "./model.ts";
import type { Operation } from "./journal.ts";
import type { Operations } from "./operations.ts";
import { DELIVERIES, type Delivery } from "./postman.ts";
import type { Random } from "./random.ts";
import { newVariant } from "./requests.ts";
import type { World } from "./world.ts";

/** Of a hundred operations, so many are … */
const WEIGHTS = {
  request: 20,
  duplicate: 10,
  poll: 28,
  trespass: 2,
  tick: 9,
  cancel: 2.5,
  delete: 1.5,
  sync: 4,
  webhook: 16,
  "odd webhook": 3,
  credits: 3,
  purge: 0.1,
};

const HEAVY_USERS = 8;

/** What somebody does next: one operation, or several at once about the same thing. */
export class Choices {
  readonly #keys: { user: User; key: Key }[] = [];
  #transactions = 0;

  constructor(
    private readonly world: World,
    private readonly operations: Operations,
    private readonly backstage: Backstage,
    private readonly random: Random,
  ) {}

  one(): Operation {
    const chosen = this.random.weighted(WEIGHTS);
    this.world.counts.add("operations", chosen);
    switch (chosen) {
      case "request":
        return this.#request(this.#user());
      case "duplicate":
        return this.#duplicate(this.#recent(this.#keys));
      case "poll":
        return this.#poll(this.#recent(this.operations.jobs));
      case "trespass":
        return this.#trespass();
      case "tick":
        return this.backstage.tick();
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
        return this.backstage.tick("purge");
    }
  }

  /** Several that meet: at one key, at one job, or at the worker. */
  several(): Operation[] {
    const count = this.random.whole(2, 8);
    const about = this.random.pick(["key", "job", "job", "worker", "user"] as const);
    this.world.counts.add("operations", `several at once: ${about}`);
    const user = this.#user();
    const first = about === "key" ? this.#request(user) : null;
    const key = this.#keys.at(-1);
    const job = this.random.recent(this.operations.jobs, 20);
    return Array.from({ length: count }, (_, index) => {
      if (first !== null && index === 0) return first;
      if (about === "key") return this.#duplicate(key);
      if (about === "user") return this.#request(user);
      if (about === "worker" && index < 3) return this.backstage.tick();
      return this.#aboutJob(job);
    });
  }

  #aboutJob(job: { user: User; history: JobHistory } | undefined): Operation {
    switch (this.random.weighted({ poll: 4, cancel: 1, delete: 0.5, sync: 2, tick: 2, webhook: 3 })) {
      case "poll":
        return this.#poll(job);
      case "cancel":
        return this.#cancel(job);
      case "delete":
        return this.#delete(job);
      case "sync":
        return this.operations.sync(job?.user ?? this.#user());
      case "webhook": {
        const run = this.world.provider.runs.findLast(({ webhookUrl }) =>
          job !== undefined && webhookUrl?.includes(job.history.jobId)
        );
        return run === undefined
          ? this.#poll(job)
          : this.backstage.deliver({ run, delivery: "repeated", due: 0, tries: 9 });
      }
      case "tick":
        return this.backstage.tick();
    }
  }

  #user(): User {
    const { users } = this.world;
    return this.random.pick(this.random.chance(0.3) ? users.slice(0, HEAVY_USERS) : users);
  }

  #recent<Item>(items: readonly Item[]): Item | undefined {
    return this.random.chance(0.85) ? this.random.recent(items, 150) : this.random.maybe(items);
  }

  #request(user: User): Operation {
    const key = this.operations.newKey(user);
    this.#keys.push({ user, key });
    return this.operations.generate(user, key, this.random.pick(key.variants));
  }

  #duplicate(entry: { user: User; key: Key } | undefined): Operation {
    if (entry === undefined) return this.#request(this.#user());
    const { user, key } = entry;
    if (this.random.chance(0.12) && key.variants.length < 3) {
      key.variants.push(newVariant(this.random, key.name, key.variants.length));
    }
    const [first] = key.variants;
    const variant = first !== undefined && this.random.chance(0.75) ? first : this.random.pick(key.variants);
    return this.operations.generate(user, key, variant);
  }

  #poll(job: { user: User; history: JobHistory } | undefined): Operation {
    return job === undefined ? this.backstage.tick() : this.operations.poll(job.user, job.history);
  }

  #cancel(job: { user: User; history: JobHistory } | undefined): Operation {
    return job === undefined ? this.backstage.tick() : this.operations.cancel(job.user, job.history);
  }

  #delete(job: { user: User; history: JobHistory } | undefined): Operation {
    if (job === undefined) return this.backstage.tick();
    const other = this.random.maybe(this.operations.jobs);
    return this.operations.delete(job.user, job.history, other?.user === job.user ? undefined : other?.history);
  }

  #trespass(): Operation {
    const job = this.#recent(this.operations.jobs);
    const user = this.#user();
    if (job === undefined || job.user === user) return this.#poll(job);
    return this.operations.trespass(user, job.history);
  }

  #webhook(): Operation {
    const mail = this.world.postman.take();
    return mail === undefined ? this.backstage.tick() : this.backstage.deliver(mail);
  }

  /** About any run, also one that is long over or goes on, by somebody who means no good, or by a confused provider. */
  #oddWebhook(): Operation {
    const run = this.#recent(this.world.provider.runs);
    if (run === undefined) return this.backstage.tick();
    const names: Delivery[] = [];
    for (const name in DELIVERIES) if (isDelivery(name)) names.push(name);
    const drawn = this.random.pick(names);
    const delivery = ["genuine", "late", "before the answer"].includes(drawn)
      ? (run.state === "COMPLETED" ? "repeated" : "early")
      : drawn;
    return this.backstage.deliver({ run, delivery, due: 0, tries: 9 });
  }

  #credits(): Operation {
    const again = this.random.maybe([...this.backstage.added.keys()].slice(-20));
    const known = again === undefined ? undefined : this.backstage.added.get(again);
    if (again !== undefined && known !== undefined && this.random.chance(0.5)) {
      return this.backstage.addCredits(known.user, again, known.amount);
    }
    return this.backstage.addCredits(this.#user(), `purchase-${++this.#transactions}`, this.random.whole(5, 60));
  }
}

function isDelivery(name: string): name is Delivery {
  return Object.hasOwn(DELIVERIES, name);
}
