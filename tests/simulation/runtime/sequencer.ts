import { nextTurn, processIfAny } from "./process.ts";

/** How the work of other threads is gone about. */
export interface SequencerOptions {
  /**
   * Whether work is begun at once, beside what was asked before it, and only its answer waits for its turn. Statements on
   * different connections then meet in the database, in an order that is another one each time.
   */
  overlaps: boolean;
  /** Whether each piece of work takes a time of its own, which is to change nothing. */
  randomDelays: boolean;
}

const LONGEST_DELAY_MS = 6;

/**
 * What comes from other threads (the database's answers, WebCrypto's) comes when it pleases, and a run that depends on
 * that cannot be replayed. Here each answer is handed out in the order in which the questions were asked, one a turn.
 */
export class Sequencer {
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly pace: SequencerOptions) {}

  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const paced = this.pace.randomDelays ? () => withRandomDelays(work) : work;
    const result = this.pace.overlaps ? paced() : this.#last.then(paced);
    const turn = this.#last.then(() => result).then(nextTurn, nextTurn);
    this.#last = turn;
    const answer = turn.then(() => result);
    return processIfAny()?.during(() => answer) ?? answer;
  }
}

/** Mostly at once, else some milliseconds before or after: by real chance, for a seed's would be the same each time. */
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
