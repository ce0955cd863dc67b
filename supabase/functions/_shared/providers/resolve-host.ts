/** Which addresses are behind a host's name. */

/** Answers with all of them; with none where there is no such host; with null where this cannot be told here. */
export type ResolveHost = typeof resolveHost;

/**
 * Asks the system's DNS. Whoever owns the name may answer `fetch` otherwise a moment later (DNS rebinding): nothing here
 * can bind the connection to these addresses, so this keeps out honest names of private hosts and careless attackers.
 */
export async function resolveHost(hostname: string, signal: AbortSignal): Promise<readonly string[] | null> {
  // A runtime that offers no DNS has only the name to go by.
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

/** By their names: not every version of Deno has both. */
function isForbidden(error: unknown): boolean {
  return error instanceof Error && (error.name === "PermissionDenied" || error.name === "NotCapable");
}
