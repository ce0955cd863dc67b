import { UsageError } from "./arguments.ts";
import { explainProviderRefusal } from "./provider-refusals.ts";

const QUEUE_URL = "https://queue.fal.run";
const LIMIT_MS = 5000;

/**
 * Asks fal for the status of a request that does not exist, which costs nothing. Throws `UsageError` where fal refuses
 * the key. Any other answer, or none, does not stop the command.
 */
export async function assertFalKey(
  key: string,
  queueUrl: string = Deno.env.get("FAL_QUEUE_URL") || QUEUE_URL,
): Promise<void> {
  // A header cannot hold such a key, so no server would see it.
  if (!/^[!-~]+$/.test(key)) {
    throw new UsageError(
      "The key in FAL_KEY has spaces or other characters that no key has. Set it whole and without quotes.",
    );
  }
  const response = await fetch(`${queueUrl}/fal-ai/kling-video/requests/${crypto.randomUUID()}/status`, {
    headers: { authorization: `Key ${key}` },
    signal: AbortSignal.timeout(LIMIT_MS),
  }).catch(() => null);
  await response?.body?.cancel();
  if (response?.status === 401) throw new UsageError(explainProviderRefusal("provider_unauthorized"));
}
