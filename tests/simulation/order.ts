import { nextTurn, processIfAny } from "./process.ts";

/**
 * What comes from other threads (the database's answers, WebCrypto's) comes when it pleases, and a run that depends on
 * that cannot be replayed. Here each answer is handed out in the order in which the questions were asked, one a turn.
 */
export class Order {
  #last: Promise<void> = Promise.resolve();

  /** Starts the work at once, and answers when it is its turn. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = work();
    const turn = this.#last.then(() => result).then(nextTurn, nextTurn);
    this.#last = turn;
    const answer = turn.then(() => result);
    return processIfAny()?.during(() => answer) ?? answer;
  }
}
