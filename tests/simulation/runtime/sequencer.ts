import { nextTurn, processIfAny } from "./process.ts";

export interface SequencerOptions {
  /**
   * Whether work begins at once, beside earlier work, and only its answer waits for its turn. Then statements of several
   * connections meet in the database, in an order that differs from run to run.
   */
  overlaps: boolean;
  /** Whether work is delayed at random. That must not change the run. */
  randomDelays: boolean;
}

const LONGEST_DELAY_MS = 6;

/**
 * Answers from other threads (of the database, of WebCrypto) come in any order, and a run that depends on their order cannot
 * be replayed. The sequencer hands them out in the order of the calls, one in each turn of the event loop.
 */
export class Sequencer {
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly pace: SequencerOptions) {}

  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const paced = this.pace.randomDelays ? () => withRandomDelays(work) : work;
    const result = this.pace.overlaps ? paced() : this.#last.then(paced);
    // An early failure waits for its turn; without this it would be an unhandled rejection until then.
    result.catch(() => {});
    const turn = this.#last.then(() => result).then(nextTurn, nextTurn);
    this.#last = turn;
    const answer = turn.then(() => result);
    return processIfAny()?.during(() => answer) ?? answer;
  }
}

/** Delays some work by a few milliseconds. By real chance: the seed would give the same delays each time. */
async function withRandomDelays<Result>(work: () => Promise<Result>): Promise<Result> {
  await randomDelay();
  const result = await work();
  await randomDelay();
  return result;
}

async function randomDelay(): Promise<void> {
  if (Math.random() < 0.85) return;
  await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_DELAY_MS));
}
