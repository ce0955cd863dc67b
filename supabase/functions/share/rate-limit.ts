/** Of more links than this none is counted, so that invented ones cannot fill the memory. */
const MOST_KEYS = 10_000;

/** Counts the requests of each key in this instance, in windows of a minute. */
export class RateLimit {
  static readonly windowMs = 60_000;
  #counts = new Map<string, number>();
  #windowEnd = 0;

  constructor(readonly limit: number, private readonly now: () => number = () => performance.now()) {}

  /** Counts one request; returns the seconds to wait if it is beyond the limit, otherwise 0. */
  take(key: string): number {
    const now = this.now();
    if (now >= this.#windowEnd) {
      this.#counts.clear();
      this.#windowEnd = now + RateLimit.windowMs;
    }
    const count = this.#counts.get(key) ?? 0;
    if (count >= this.limit) return Math.ceil((this.#windowEnd - now) / 1000);
    if (count > 0 || this.#counts.size < MOST_KEYS) this.#counts.set(key, count + 1);
    return 0;
  }
}
