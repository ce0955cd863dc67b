import type { Sequencer } from "./sequencer.ts";
import { processIfAny } from "./process.ts";
import type { Random } from "./random.ts";

/** The functions' timers above this are time limits. They must not run out while the simulated time stands still. */
const SHORT_MS = 500;

/**
 * Takes real time and chance out of the functions: time limits do not run out, clocks show the simulated time, ids come
 * from the seed, and WebCrypto answers in the order of its calls. The returned function restores the globals.
 */
export function makeDeterministic(sequencer: Sequencer, random: Random, now: () => number): () => void {
  const { timeout } = AbortSignal;
  const { setTimeout } = globalThis;
  const [realDate, realPerformance] = [Date.now, performance.now];
  const { subtle, randomUUID } = crypto;
  const { digest, importKey, generateKey, exportKey, sign, verify } = subtle;

  AbortSignal.timeout = () => new AbortController().signal;
  globalThis.setTimeout = Object.assign(
    (...[callback, delay, ...rest]: Parameters<typeof setTimeout>) =>
      processIfAny() !== undefined && (delay ?? 0) > SHORT_MS ? 0 : setTimeout(callback, delay, ...rest),
    setTimeout,
  );
  Date.now = () => processIfAny() === undefined ? realDate() : now();
  performance.now = () => processIfAny() === undefined ? realPerformance.call(performance) : now();
  crypto.randomUUID = () => random.uuid();
  subtle.digest = (...asked) => sequencer.inTurn(() => digest.apply(subtle, asked));
  subtle.sign = (...asked) => sequencer.inTurn(() => sign.apply(subtle, asked));
  Object.assign(subtle, {
    importKey: (...asked: Parameters<typeof importKey>) => sequencer.inTurn(() => importKey.apply(subtle, asked)),
    generateKey: (...asked: Parameters<typeof generateKey>) => sequencer.inTurn(() => generateKey.apply(subtle, asked)),
    exportKey: (...asked: Parameters<typeof exportKey>) => sequencer.inTurn(() => exportKey.apply(subtle, asked)),
  });
  subtle.verify = (...asked) => sequencer.inTurn(() => verify.apply(subtle, asked));

  return () => {
    AbortSignal.timeout = timeout;
    globalThis.setTimeout = setTimeout;
    Date.now = realDate;
    performance.now = realPerformance;
    crypto.randomUUID = randomUUID;
    Object.assign(subtle, { digest, importKey, generateKey, exportKey, sign, verify });
  };
}
