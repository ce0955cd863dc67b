import type { Clock } from "../runtime/clock.ts";
import type { Moment } from "../model/moment.ts";
import { currentProcess } from "../runtime/process.ts";

/** Something that a client, the provider or the cron does: `run` is called within a process. */
export interface Operation {
  text: string;
  run(): Promise<void>;
}

/** Says for each operation when it began and ended, in the order of events and in the world's time. */
export class Journal {
  #events = 0;

  constructor(private readonly clock: Clock) {}

  /** `moment` is to be called when the answer has come. */
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
