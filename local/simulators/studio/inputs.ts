import { fetchMedia } from "../../../supabase/functions/_shared/providers/media.ts";
import { resolveHost } from "../../../supabase/functions/_shared/providers/resolve-host.ts";

const INPUT_LIMIT_BYTES = 100 * 2 ** 20;
const TIMEOUT_MS = 30_000;

/** An input of a run could not be fetched. */
export class InputError extends Error {
  override name = "InputError";
}

/** Fetches an input of a run, from the local stack (`ownOrigins`) or a public https address, and from nowhere else. */
export async function fetchInput(
  url: string,
  ownOrigins: Iterable<string>,
  timeoutMs = TIMEOUT_MS,
): Promise<Uint8Array<ArrayBuffer>> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetchMedia(url, { allowedHosts: [...ownOrigins, "*"], resolveHost, signal });
    return await readLimited(response, signal);
  } catch (error) {
    throw error instanceof InputError ? error : new InputError(`${error instanceof Error ? error.message : error}`);
  }
}

/** A body that comes slowly ends by the signal too: `fetchMedia` only limits the wait for the answer. */
async function readLimited({ body }: Response, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of body?.pipeThrough(new TransformStream(), { signal }) ?? []) {
    length += chunk.length;
    if (length > INPUT_LIMIT_BYTES) throw new InputError(`a file of more than ${INPUT_LIMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return await new Blob(chunks).bytes();
}
