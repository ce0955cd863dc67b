/** Finds the IP addresses of a host name. */

/**
 * Returns all addresses; an empty list where there is no such host; null where this runtime cannot ask. Throws what DNS
 * throws.
 */
export type ResolveHost = typeof resolveHost;

/**
 * Asks the system's DNS. The owner of the name can give `fetch` another address a moment later (DNS rebinding), and
 * `fetch` cannot be bound to these addresses: this stops the names of private hosts, but not a determined attacker.
 */
export async function resolveHost(hostname: string, signal: AbortSignal): Promise<readonly string[] | null> {
  if (typeof Deno.resolveDns !== "function") return null;
  try {
    const answers = await Promise.all((["A", "AAAA"] as const).map((type) => recordsOf(hostname, type, signal)));
    return answers.flat();
  } catch (error) {
    if (error instanceof Deno.errors.NotSupported || isForbidden(error)) return null;
    throw error;
  }
}

async function recordsOf(hostname: string, type: "A" | "AAAA", signal: AbortSignal): Promise<string[]> {
  try {
    return await Deno.resolveDns(hostname, type, { signal });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Compared by name: Deno 2.1 and 2.9 do not have the same error classes. */
function isForbidden(error: unknown): boolean {
  return error instanceof Error && (error.name === "PermissionDenied" || error.name === "NotCapable");
}
