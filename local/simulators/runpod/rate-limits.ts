import type { Timeline } from "../shared/timeline.ts";

const WINDOW_MS = 10_000;

/** How many requests RunPod accepts in ten seconds, for each operation of each endpoint. */
const DOCUMENTED = { run: 1000, status: 2000, cancel: 100 };

/** Counts the requests to each endpoint by operation. */
export class RateLimits {
  readonly #limits: ReadonlyMap<string, number>;
  readonly #taken = new Map<string, number>();

  constructor(readonly timeline: Timeline, changes: Partial<typeof DOCUMENTED> = {}) {
    this.#limits = new Map(Object.entries({ ...DOCUMENTED, ...changes }));
  }

  /** Whether another request is within the limit. */
  take(endpoint: string, operation: string): boolean {
    const window = `${endpoint} ${operation} ${Math.floor(this.timeline.now() / WINDOW_MS)}`;
    const taken = (this.#taken.get(window) ?? 0) + 1;
    this.#taken.set(window, taken);
    return taken <= (this.#limits.get(operation) ?? Infinity);
  }
}
