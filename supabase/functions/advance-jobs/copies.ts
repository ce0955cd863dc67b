import { returnLeases } from "../_shared/database/jobs.ts";
import type { LeasedJob } from "../_shared/database/records.ts";
import type { CopyQueue, JobContext } from "../_shared/jobs/context.ts";
import { inGroups } from "../_shared/runtime/in-groups.ts";
import { errorText } from "../_shared/runtime/log.ts";

/** Each may hold a few MB of its video in memory, of the 256 that a hosted function has. */
export const COPIES_AT_ONCE = 8;
/** The CPU of one copy, measured without TLS, and that of the copies of one call: a quarter of what the platform gives. */
const COPY_MS = 4;
const COPY_MS_A_MB = 0.7;
const MAX_CPU_MS = 500;
/** When all looks are done, a copy waits so long for its turn. Then it is given back: a poll or another call may make it. */
const MAX_WAIT_MS = 5_000;

type CopyContext = Pick<JobContext, "client" | "timing" | "log" | "pause">;

interface CopyOptions {
  /** No copy begins after this time, by `performance.now()`. */
  until: number;
  /** Whether more copies may be due than those that are added. */
  mayBeMore: boolean;
  /** Leases so many more at most. Never throws. */
  lease(count: number): Promise<LeasedJob[]>;
  /** Makes one copy. Never throws. */
  copy(leased: LeasedJob): Promise<void>;
}

/** The copies of one call of the worker: a few at once, beside its looks. */
export class Copies implements CopyQueue {
  readonly #context: CopyContext;
  readonly #options: CopyOptions;
  readonly #lease: (lane: null) => Promise<LeasedJob | undefined>;
  readonly #waiting: LeasedJob[] = [];
  readonly #lanes: Promise<void>[] = [];
  #busy = 0;
  #cpuMs = 0;
  #mayBeMore: boolean;

  constructor(context: CopyContext, options: CopyOptions) {
    this.#context = context;
    this.#options = options;
    this.#mayBeMore = options.mayBeMore;
    this.#lease = inGroups(context.pause, (lanes) => this.#leaseSome(lanes.length));
  }

  add(leased: LeasedJob): void {
    this.#waiting.push(leased);
    if (this.#busy < COPIES_AT_ONCE) this.#lanes.push(this.#work());
  }

  copied(bytes: number): void {
    this.#cpuMs += COPY_MS_A_MB * bytes / 1_000_000;
  }

  /** Waits for the copies under way, and gives back what cannot be copied now; returns whether something is left. */
  async finish(): Promise<boolean> {
    if (this.#waiting.length > 0) {
      await Promise.race([Promise.all(this.#lanes), this.#context.pause(MAX_WAIT_MS)]);
    }
    const left = this.#waiting.splice(0);
    if (left.length > 0) await giveBack(this.#context, left);
    await Promise.all(this.#lanes);
    return left.length > 0 || this.#mayBeMore;
  }

  /** Makes one copy after the other. */
  async #work(): Promise<void> {
    this.#busy++;
    while (this.#cpuMs < MAX_CPU_MS && performance.now() < this.#options.until) {
      // A copy may have been added while nothing was found to lease.
      const next = this.#waiting.shift() ?? await this.#another() ?? this.#waiting.shift();
      if (next === undefined) break;
      this.#cpuMs += COPY_MS;
      await this.#options.copy(next);
    }
    this.#busy--;
  }

  async #another(): Promise<LeasedJob | undefined> {
    return this.#mayBeMore ? await this.#lease(null) : undefined;
  }

  async #leaseSome(count: number): Promise<(LeasedJob | undefined)[]> {
    const leased = await this.#options.lease(count);
    this.#mayBeMore = leased.length === count;
    return Array.from({ length: count }, (_, index) => leased[index]);
  }
}

/** Errors are only logged: the leases then end by themselves. */
async function giveBack(context: CopyContext, left: LeasedJob[]): Promise<void> {
  try {
    await returnLeases(context, left);
  } catch (error) {
    context.log("error", "leases_not_returned", { count: left.length, error: errorText(error) });
  }
}
