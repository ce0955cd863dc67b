/** Calls the worker as pg_cron does on Supabase, one call at a time. Returns the way to stop it. */
export function startWorkerTimer(url: string, secretKey: string, intervalMs: number): () => Promise<void> {
  let tick: Promise<void> | undefined;
  const timer = setInterval(() => {
    tick ??= callWorker(url, secretKey).finally(() => tick = undefined);
  }, intervalMs);
  return async () => {
    clearInterval(timer);
    await tick;
  };
}

async function callWorker(url: string, secretKey: string): Promise<void> {
  try {
    const response = await fetch(`${url}/functions/v1/advance-jobs`, {
      method: "POST",
      headers: { apikey: secretKey },
      signal: AbortSignal.timeout(60_000),
    });
    await response.body?.cancel();
  } catch {
    // The next tick does what this one could not. The functions' log has the reason.
  }
}
