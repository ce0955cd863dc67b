/** With a clock that is not the system's, due events are looked for this often (ms). */
const FAKE_CLOCK_LOOK_MS = 20;
/** Above this, `setTimeout` fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Event {
  due: number;
  run: (time: number) => void;
  /** Somebody waits for it, so it must not be forgotten. */
  isAwaited: boolean;
}

/**
 * What is to happen, in order of its time. A clock that jumps an hour runs everything of that hour in order, each event
 * at its own time: no test needs to wait.
 */
export class Timeline {
  #events: Event[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /** One that does not wake itself runs nothing but in `advance`: a replay must not depend on when a timer fires. */
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

  /** Forgets everything that is still to happen; who waits, waits no longer. */
  clear(): void {
    const forgotten = this.#events;
    this.#events = [];
    clearTimeout(this.#timer);
    for (const event of forgotten) if (event.isAwaited) event.run(event.due);
  }

  /** Clears and takes nothing more. */
  stop(): void {
    this.#stopped = true;
    this.clear();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = this.#events[0];
    if (next === undefined || this.#stopped || !this.wakesItself) return;
    const longest = this.now === Date.now ? LONGEST_TIMER_MS : FAKE_CLOCK_LOOK_MS;
    this.#timer = setTimeout(() => this.advance(), Math.min(Math.max(next.due - this.now(), 0), longest));
  }
}
