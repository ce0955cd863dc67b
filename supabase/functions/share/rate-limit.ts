import { keepNewest } from "../_shared/runtime/keep-newest.ts";

/** More are not counted at a time: the one that was seen longest ago is forgotten, never one that comes again and again. */
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
    keepNewest(this.#counts, key, Math.min(count + 1, this.limit), MOST_KEYS);
    return count < this.limit ? 0 : Math.ceil((this.#windowEnd - now) / 1000);
  }
}
