/** A port of this machine that nothing listens on: the wished one where it is free, else any. */
export function freePort(wished = 0): number {
  try {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: wished });
    listener.close();
    return listener.addr.port;
  } catch (error) {
    if (wished === 0) throw error;
    return freePort();
  }
}
