/** Makes this process, and those that it starts, call servers of this machine without the proxy of the environment. */
export function bypassProxy(...hosts: string[]): void {
  for (const name of ["NO_PROXY", "no_proxy"]) {
    const exempt = (Deno.env.get(name) ?? "").split(",").filter(Boolean);
    Deno.env.set(name, [...new Set([...exempt, "127.0.0.1", "localhost", "::1", ...hosts])].join(","));
  }
}
