import { Violation } from "./violation.ts";

const LIMIT_MS = 60_000;

/** Fails if a process does not come to rest. No operation waits for real time, so a process that takes long hangs. */
export async function withTimeLimit<Result>(rest: Promise<Result>): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Violation("An operation hangs")), LIMIT_MS);
  });
  try {
    return await Promise.race([rest, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
