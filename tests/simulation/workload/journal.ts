import type { Clock } from "../runtime/clock.ts";
import type { Moment } from "../model/moment.ts";
import { currentProcess } from "../runtime/process.ts";

/** Something that a client, a provider or the cron does. `run` is called within a process. */
export interface Operation {
  text: string;
  run(): Promise<void>;
}

/** One of several operations that follow each other, drawn when its turn comes. */
export interface Turn {
  /** So long after the first began, and after so many more readings of the clock. */
  after?: { milliseconds: number; readings: number };
  /** How many microseconds pass with each reading of the clock; 1 if not said. */
  pace?: number;
  next(): Operation;
}

/** Notes when each operation began and ended, as event numbers and in simulated time. */
export class Journal {
  #events = 0;

  constructor(private readonly clock: Clock) {}

  /** `moment` must be called when the answer has come. */
  operation(text: string, work: (moment: () => Moment) => Promise<void>): Operation {
    return {
      text,
      run: async () => {
        const process = currentProcess();
        const started = ++this.#events;
        const startedAt = this.clock.now();
        await work(() => ({
          started,
          startedAt,
          finished: ++this.#events,
          finishedAt: this.clock.now(),
          disturbed: process.disturbed,
        }));
      },
    };
  }
}
