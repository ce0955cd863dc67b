import { AsyncLocalStorage } from "node:async_hooks";
import "../../../supabase/functions/_shared/runtime/background.ts";
import type { Random } from "./random.ts";

/** An attempt that the database opened for a process, which will now send it to a provider. */
export interface OpenedAttempt {
  job: string;
  attempt: number;
  prompt: string;
}

/** Why a process rests: its work is done, it has crashed, or one of its calls is held. */
export type Rest = "done" | "crashed" | "stalled";

/** A process makes its next call within this many turns of the event loop, or it rests. */
const QUIET_TURNS = 20;

const current = new AsyncLocalStorage<Process>();

// Supabase's runtime offers this, and `_shared/runtime/background.ts` uses it.
globalThis.EdgeRuntime = { waitUntil: (work) => currentProcess().background.push(work) };

/** The process that the running code belongs to; undefined outside of all processes. */
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
 * One instance of the functions. After a crash none of its calls returns and it makes no other, as after a kill. A stall
 * holds one call until `wake`, perhaps until long after its lease has run out.
 */
export class Process {
  /** Its calls, for the report of a failure. */
  readonly trace: string[] = [];
  /** Work that goes on after an answer. */
  readonly background: Promise<unknown>[] = [];
  /** The attempts that it may send to a provider. */
  readonly opened: OpenedAttempt[] = [];
  dead = false;
  /** Whether any of its calls met a fault of the fault plan. */
  disturbed = false;
  #rest = Promise.withResolvers<Rest>();
  #held: (() => void)[] = [];
  #calls = 0;
  /** The number of calls that never return, because the process is dead. */
  #parked = 0;

  /** `maySuffer`: whether its calls may meet faults. */
  constructor(readonly random: Random, public maySuffer: boolean) {}

  /** Runs work and its background work in this process. The promise may never settle. */
  run(work: () => Promise<void>): Promise<void> {
    return current.run(this, async () => {
      await work();
      for (const left of this.background) await left;
    });
  }

  /** Counts a call as open while it lasts. */
  async during<Result>(call: () => Promise<Result>): Promise<Result> {
    this.#calls++;
    try {
      return await call();
    } finally {
      this.#calls--;
    }
  }

  /** Ends the process at this call. The promise never settles. */
  crash(): Promise<never> {
    this.#parked++;
    this.kill();
    return new Promise(() => {});
  }

  kill(): void {
    this.dead = true;
    this.#rest.resolve("crashed");
  }

  /** Holds the call until `wake`. */
  stall(): Promise<void> {
    const held = new Promise<void>((resolve) => this.#held.push(resolve));
    this.#rest.resolve("stalled");
    return held;
  }

  /** Lets all held calls go on. */
  wake(): void {
    if (this.dead) return;
    this.#rest = Promise.withResolvers<Rest>();
    for (const go of this.#held.splice(0)) go();
  }

  /** Waits until its work is done, or it has crashed, or only `wake` could let it go on. */
  async rest(work: Promise<unknown>): Promise<Rest> {
    const rest = await Promise.race([work.then((): Rest => "done"), this.#rest.promise]);
    // Its other calls end first, also those of a dead process at the database: the next process must not race with them.
    for (let quiet = 0; rest !== "done" && quiet < QUIET_TURNS; quiet++) {
      await nextTurn();
      if (this.#calls > this.#held.length + this.#parked) quiet = 0;
    }
    return this.dead ? "crashed" : rest;
  }
}

/** Waits for one turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
