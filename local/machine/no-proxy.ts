/**
 * A proxy in the environment is for the world outside: what listens on this machine is asked directly, by this process
 * and by those that it starts.
 */
export function bypassProxy(...hosts: string[]): void {
  for (const name of ["NO_PROXY", "no_proxy"]) {
    const exempt = (Deno.env.get(name) ?? "").split(",").filter(Boolean);
    Deno.env.set(name, [...new Set([...exempt, "127.0.0.1", "localhost", "::1", ...hosts])].join(","));
  }
}
