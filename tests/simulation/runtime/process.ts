import { AsyncLocalStorage } from "node:async_hooks";
import "../../../supabase/functions/_shared/runtime/background.ts";
import type { Random } from "./random.ts";

/** An attempt that the database opened for a process, which is going to send it. */
export interface OpenedAttempt {
  job: string;
  attempt: number;
  prompt: string;
}

/** How a process came to rest. */
export type Rest = "done" | "crashed" | "stalled";

/** So many turns of the event loop without a call: between two of its calls a process does not wait for anything. */
const QUIET_TURNS = 20;

const current = new AsyncLocalStorage<Process>();

// What Supabase's runtime offers and `_shared/background.ts` uses.
globalThis.EdgeRuntime = { waitUntil: (work) => currentProcess().background.push(work) };

/** The process that the running code belongs to, if it belongs to one. */
export function processIfAny(): Process | undefined {
  return current.getStore();
}

/** The process that the running code belongs to. */
export function currentProcess(): Process {
  const process = current.getStore();
  if (process === undefined) throw new Error("Called outside of any process");
  return process;
}

/**
 * One instance of the functions. A crash ends it as a kill does: none of its calls ever returns, and it makes no other.
 * A stall holds one call until somebody lets go of it, long after its lease perhaps.
 */
export class Process {
  /** What it called, for whoever reads a failure. */
  readonly trace: string[] = [];
  /** What goes on after an answer. */
  readonly background: Promise<unknown>[] = [];
  /** What it may send to a provider. */
  readonly opened: OpenedAttempt[] = [];
  dead = false;
  /** Whether any of its calls failed, other than by the provider's own choice. */
  disturbed = false;
  #rest = Promise.withResolvers<Rest>();
  #held: (() => void)[] = [];
  #calls = 0;
  /** Calls of a dead process, which never return. */
  #parked = 0;

  /** `maySuffer`: whether its calls meet faults. */
  constructor(readonly random: Random, public maySuffer: boolean) {}

  /** Runs work in it, with all that it leaves in the background. The promise may never settle. */
  run(work: () => Promise<void>): Promise<void> {
    return current.run(this, async () => {
      await work();
      for (const left of this.background) await left;
    });
  }

  /** Notes one call to the outside for as long as it lasts. */
  async during<Result>(call: () => Promise<Result>): Promise<Result> {
    this.#calls++;
    try {
      return await call();
    } finally {
      this.#calls--;
    }
  }

  /** Ends it, at this call; the promise never settles. */
  crash(): Promise<never> {
    this.#parked++;
    this.kill();
    return new Promise(() => {});
  }

  kill(): void {
    this.dead = true;
    this.#rest.resolve("crashed");
  }

  /** Resolves when somebody lets go. */
  stall(): Promise<void> {
    const held = new Promise<void>((resolve) => this.#held.push(resolve));
    this.#rest.resolve("stalled");
    return held;
  }

  /** Lets all its held calls go on. */
  wake(): void {
    if (this.dead) return;
    this.#rest = Promise.withResolvers<Rest>();
    for (const go of this.#held.splice(0)) go();
  }

  /** Waits until its work is over, or it has died, or nothing moves any more but by `wake`. */
  async rest(work: Promise<unknown>): Promise<Rest> {
    const rest = await Promise.race([work.then((): Rest => "done"), this.#rest.promise]);
    // Its other calls come to their end first, also a dead one's at the database: whoever comes next must not race with them.
    for (let quiet = 0; rest !== "done" && quiet < QUIET_TURNS; quiet++) {
      await nextTurn();
      if (this.#calls > this.#held.length + this.#parked) quiet = 0;
    }
    return this.dead ? "crashed" : rest;
  }
}

/** Lets everything else go on that is ready to. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
