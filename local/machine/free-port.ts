/** Systems give higher ports to outgoing connections: one of these could take the port before its server starts. */
const FIRST = 20_000;
const LAST = 32_000;
const TRIES = 100;

/** A free port of this machine: the preferred one if possible, otherwise any. */
export function freePort(preferred?: number, hostname = "127.0.0.1"): number {
  if (preferred !== undefined && isFree(preferred, hostname)) return preferred;
  for (let count = 0; count < TRIES; count++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (isFree(port, hostname)) return port;
  }
  throw new Error(`No port from ${FIRST} to ${LAST} is free.`);
}

function isFree(port: number, hostname: string): boolean {
  try {
    Deno.listen({ hostname, port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
