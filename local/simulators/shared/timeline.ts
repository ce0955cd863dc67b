/** With a clock that is not the system's, the due events are run this often (ms). */
const FAKE_CLOCK_INTERVAL_MS = 20;
/** With a longer time `setTimeout` fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Event {
  due: number;
  run: (time: number) => void;
  /** A caller waits for it: it must run even when the others are dropped. */
  isAwaited: boolean;
}

/**
 * Events in the order of their times. When the clock jumps an hour, all events of that hour run in order, each at its own
 * time: no test needs to wait.
 */
export class Timeline {
  #events: Event[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /** Without `wakesItself`, events run in `advance` alone: a replay must not depend on the moment at which a timer fires. */
  constructor(readonly now: () => number, private readonly wakesItself = true) {}

  /** Runs `run` at time `due` (ms). */
  at(due: number, run: (time: number) => void, isAwaited = false): void {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.due ?? Infinity) <= due) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, { due, run, isAwaited });
    this.#arm();
  }

  /** Resolves once `ms` have gone by on this clock. */
  wait(ms: number): Promise<void> {
    return ms > 0 ? new Promise((resolve) => this.at(this.now() + ms, () => resolve(), true)) : Promise.resolve();
  }

  /** Runs everything that is due. */
  advance(): void {
    let next = this.#events[0];
    while (next !== undefined && next.due <= this.now()) {
      this.#events.shift();
      next.run(next.due);
      next = this.#events[0];
    }
    this.#arm();
  }

  /** Drops all events. Callers that wait are released. */
  clear(): void {
    const forgotten = this.#events;
    this.#events = [];
    clearTimeout(this.#timer);
    for (const event of forgotten) if (event.isAwaited) event.run(event.due);
  }

  /** Drops all events and runs no later one by itself. */
  stop(): void {
    this.#stopped = true;
    this.clear();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = this.#events[0];
    if (next === undefined || this.#stopped || !this.wakesItself) return;
    const longest = this.now === Date.now ? LONGEST_TIMER_MS : FAKE_CLOCK_INTERVAL_MS;
    this.#timer = setTimeout(() => this.advance(), Math.min(Math.max(next.due - this.now(), 0), longest));
  }
}
