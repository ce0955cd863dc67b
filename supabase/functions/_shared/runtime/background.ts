declare global {
  /** Supabase's hosted runtime only: keeps the instance alive until the promise settles. */
  var EdgeRuntime: { waitUntil(promise: Promise<unknown>): void } | undefined;
}

/** Lets work go on after the answer was sent. The work must handle its own errors. */
export function keepAlive(work: Promise<unknown>): void {
  globalThis.EdgeRuntime?.waitUntil(work);
}

/** The promise's value if it comes in time. Otherwise null, and the work goes on in the background. */
export async function finishWithin<T>(work: Promise<T>, milliseconds: number): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<null>((resolve) => {
    timer = setTimeout(() => {
      keepAlive(work);
      resolve(null);
    }, milliseconds);
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
