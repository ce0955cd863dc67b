import type { LeasedJob } from "../_shared/database/records.ts";
import type { CopyQueue, JobContext } from "../_shared/jobs/context.ts";
import { inGroups } from "../_shared/runtime/in-groups.ts";

/** Each may hold a few MB of its video in memory, of the 256 that a hosted function has. */
export const COPIES_AT_ONCE = 8;
/** The CPU of one copy, measured without TLS, and that of the copies of one call: a quarter of what the platform gives. */
const COPY_MS = 4;
const COPY_MS_A_MB = 0.7;
const MAX_CPU_MS = 500;

interface CopyOptions {
  /** No copy begins after this time, by `performance.now()`. */
  until: number;
  /** Leases so many that are due, at most. Never throws. */
  lease(count: number): Promise<LeasedJob[]>;
  /** Makes one copy. Never throws. */
  copy(leased: LeasedJob): Promise<void>;
}

/**
 * The copies of one call of the worker: a few at once, beside its looks. Each is leased when it begins: those that wait are
 * due for a poll or another worker too, and are not lost to a worker that ends.
 */
export class Copies implements CopyQueue {
  readonly #options: CopyOptions;
  readonly #lease: (lane: null) => Promise<LeasedJob | undefined>;
  readonly #lanes: Promise<void>[] = [];
  #busy = 0;
  #cpuMs = 0;
  /** How many were said to be due, and whether one of them may be left. */
  #said = 0;
  #mayBeMore = false;

  constructor({ pause }: Pick<JobContext, "pause">, options: CopyOptions) {
    this.#options = options;
    this.#lease = inGroups(pause, (lanes) => this.#leaseSome(lanes.length));
  }

  /** Begins with these. As many as can be made at once: there may be more. */
  begin(leased: LeasedJob[]): void {
    this.#mayBeMore = leased.length === COPIES_AT_ONCE;
    for (const job of leased) this.#lanes.push(this.#work(job));
  }

  due(): void {
    this.#said++;
    this.#mayBeMore = true;
    if (this.#busy < COPIES_AT_ONCE) this.#lanes.push(this.#work());
  }

  copied(bytes: number): void {
    this.#cpuMs += COPY_MS_A_MB * bytes / 1_000_000;
  }

  /** Waits for the copies under way; returns whether some may be left. */
  async finish(): Promise<boolean> {
    await Promise.all(this.#lanes);
    return this.#mayBeMore;
  }

  /** Makes one copy after the other, beginning with `first` where it is leased already. */
  async #work(first?: LeasedJob): Promise<void> {
    this.#busy++;
    let next = first;
    while (next !== undefined || this.#mayBegin()) {
      next ??= await this.#lease(null);
      if (next === undefined) continue;
      this.#cpuMs += COPY_MS;
      await this.#options.copy(next);
      next = undefined;
    }
    this.#busy--;
  }

  #mayBegin(): boolean {
    return this.#mayBeMore && this.#cpuMs < MAX_CPU_MS && performance.now() < this.#options.until;
  }

  async #leaseSome(count: number): Promise<(LeasedJob | undefined)[]> {
    const said = this.#said;
    const leased = await this.#options.lease(count);
    // One that is said to be due meanwhile may not be among them.
    if (this.#said === said) this.#mayBeMore = leased.length === count;
    return Array.from({ length: count }, (_, index) => leased[index]);
  }
}
