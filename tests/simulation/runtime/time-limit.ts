import { Violation } from "./violation.ts";

const PATIENCE_MS = 60_000;

/** Nothing here waits for real time: what does not come to rest hangs. */
export async function patiently<Result>(rest: Promise<Result>): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Violation("An operation hangs")), PATIENCE_MS);
  });
  try {
    return await Promise.race([rest, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
