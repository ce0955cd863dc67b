import { REPEAT_MS } from "../model/limits.ts";
import type { Key } from "../model/idempotency-key.ts";
import type { User } from "../model/user.ts";
import type { Random } from "../runtime/random.ts";
import type { AccountOperations } from "./account-operations.ts";
import type { CanvasWorkload } from "./canvas-workload.ts";
import type { Operation, Turn } from "./journal.ts";
import type { OpenvOperations } from "./openv-operations.ts";
import type { TransitionOperations } from "./transition-operations.ts";
import type { OwnJob, VideoOperations } from "./video-operations.ts";

/** So many microseconds pass with each reading of the clock while a batch is made. */
const SLOW_PACE = 30;
/** A little more than pass while a batch of two is made. */
const MOST_READINGS = 2_000;

/** Operations that follow each other without others between: drawn one by one, they would hardly ever come so. */
export class Sequences {
  constructor(
    private readonly operations: VideoOperations,
    private readonly transitions: TransitionOperations,
    private readonly openvs: OpenvOperations,
    private readonly canvas: CanvasWorkload,
    private readonly accounts: AccountOperations,
    private readonly random: Random,
  ) {}

  any(user: User, purchase: Operation): Turn[] {
    switch (this.random.weighted({ edge: 3, end: 3, node: 5, address: 1, mind: 2, leave: 2, crowd: 1 })) {
      case "edge":
        return this.#batchAtTheEdge(user);
      case "end":
        return this.#askedAgainAfterTheEnd(user);
      case "node":
        return this.canvas.whileJobRuns() ?? this.#batchAtTheEdge(user);
      case "address":
        return this.canvas.addressOfDeleted() ?? this.#batchAtTheEdge(user);
      case "mind":
        return this.#changesTheirMind(user);
      case "leave":
        return this.#leaves(user);
      case "crowd":
        return [{ next: () => purchase }, ...this.#batches(user)];
    }
  }

  /** A batch without a key, and its repeat just when it expires. */
  #batchAtTheEdge(user: User): Turn[] {
    const key = this.transitions.newKeylessBatch(user);
    const next = () => this.transitions.batch(user, key, 0);
    // It is repeated faster than it was made: so it may be repeated when some of its items would have expired.
    const readings = this.random.whole(0, MOST_READINGS);
    return [{ pace: SLOW_PACE, next }, { after: { milliseconds: REPEAT_MS, readings }, next }];
  }

  /** A request without a key, and its repeat after its owner ended the video. */
  #askedAgainAfterTheEnd(user: User): Turn[] {
    const isOpenv = this.random.chance(0.5);
    const key = isOpenv ? this.openvs.newKey(user, 1) : this.transitions.newKey(user, 1);
    const [variant] = key.variants;
    if (variant === undefined) throw new Error("A key without a request");
    const next = () => isOpenv ? this.openvs.create(user, key, variant) : this.transitions.create(user, key, variant);
    return [{ next }, { next: () => this.#end(user, key) }, { next }, { next }];
  }

  /** Twice a user ends a video that is being generated, which is refunded once a day. */
  #changesTheirMind(user: User): Turn[] {
    return [0, 30_000].flatMap((begin) => {
      const { key, ask } = this.#video(user);
      return [
        { after: { milliseconds: begin, readings: 0 }, next: ask },
        { after: { milliseconds: begin + 25_000, readings: 0 }, next: () => this.#poll(user, key) },
        { next: () => this.#end(user, key) },
      ];
    });
  }

  /** A user deletes the account while a video is generated, or the operator does in the dashboard. */
  #leaves(user: User): Turn[] {
    const { key, ask } = this.#video(user);
    const leave = () =>
      this.random.chance(0.7) ? this.accounts.erase(user, true) : this.accounts.deleteByDashboard(user, true);
    return [
      { next: ask },
      { after: { milliseconds: this.random.whole(1_000, 30_000), readings: 0 }, next: () => this.#poll(user, key) },
      { next: leave },
    ];
  }

  /** Several batches at once: together they are more than a user may have under way. */
  #batches(user: User): Turn[] {
    return [1, 2, 3].map(() => {
      const key = this.transitions.newBatch(user);
      return { next: () => this.transitions.batch(user, key, 0) };
    });
  }

  #video(user: User): { key: Key; ask: () => Operation } {
    const key = this.operations.newKey(user);
    return { key, ask: () => this.operations.generate(user, key, this.random.pick(key.variants)) };
  }

  #poll(user: User, key: Key): Operation {
    const job = this.#jobOf(key);
    return job === undefined ? this.operations.sync(user) : this.operations.poll(user, job.history);
  }

  #end(user: User, key: Key): Operation {
    const job = this.#jobOf(key);
    if (job === undefined) return this.operations.sync(user);
    return this.random.chance(0.6)
      ? this.operations.cancel(user, job.history)
      : this.operations.delete(user, job.history, undefined);
  }

  #jobOf(key: Key): OwnJob | undefined {
    return this.operations.find(key.jobs.at(-1)?.jobId ?? "");
  }
}
