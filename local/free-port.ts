/** Below those that systems give to outgoing connections: one of them could take the port before its server is up. */
const FIRST = 20_000;
const LAST = 32_000;
const TRIES = 100;

/** A port of this machine that nothing listens on: the wished one where it is free, else any. */
export function freePort(wished?: number): number {
  if (wished !== undefined && isFree(wished)) return wished;
  for (let count = 0; count < TRIES; count++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (isFree(port)) return port;
  }
  throw new Error(`No port from ${FIRST} to ${LAST} is free.`);
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
