/** Fetches the images of a request: Veo takes no URLs. The URLs come from users, so every host is checked. */

import { Buffer } from "node:buffer";
import { imageTypeOf } from "../../storage/image-signature.ts";
import type { ResolveHost } from "../resolve-host.ts";
import { fetchMedia } from "../media.ts";
import { type CallOptions, ProviderError } from "../provider.ts";

/** An image as the Gemini API takes it. */
export interface InlineImage {
  bytesBase64Encoded: string;
  mimeType: string;
}

export interface ImageOptions extends CallOptions {
  /** What is allowed besides any public https host: the origin of a simulator. */
  allowedHosts: readonly string[];
  resolveHost?: ResolveHost | undefined;
  fetch: typeof fetch;
}

/** Google takes requests of 20 MB: two images of this size, a third longer in base64, fit. */
const MAX_BYTES = 7_000_000;

/** Both images are fetched at the same time; most of the submission's 25 seconds must be left for the submission. */
const FETCH_LIMIT_MS = 8_000;

/**
 * Throws `ProviderError`: every fault of an image is `image_rejected`, never an error of the provider: else one user
 * with a dead URL could open the provider's circuit for all.
 */
export async function fetchImage(url: string, options: ImageOptions): Promise<InlineImage> {
  const limit = AbortSignal.timeout(FETCH_LIMIT_MS);
  try {
    const signal = AbortSignal.any([options.signal, limit]);
    const allowedHosts = ["*", ...options.allowedHosts];
    const response = await fetchMedia(url, {
      allowedHosts,
      signal,
      fetch: options.fetch,
      resolveHost: options.resolveHost,
    });
    const bytes = await readBytes(response, signal);
    return { bytesBase64Encoded: bytes.toString("base64"), mimeType: typeOf(bytes) };
  } catch (error) {
    const facts = { notSent: true };
    if (options.signal.aborted) {
      throw new ProviderError("retryable", "provider_timeout", "before the submission", false, facts);
    }
    const detail = error instanceof ProviderError ? error.detail : String(error);
    throw new ProviderError("rejected", "image_rejected", `image: ${detail}`, false, facts);
  }
}

async function readBytes(response: Response, signal: AbortSignal): Promise<Buffer> {
  const reader = response.body?.getReader();
  const stop = () => reader?.cancel().catch(() => undefined);
  signal.addEventListener("abort", stop, { once: true });
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (let read; reader && !(read = await reader.read()).done;) {
      length += read.value.byteLength;
      if (length > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
      chunks.push(read.value);
    }
    // A cancelled reader reports `done`, like one that has read everything.
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", stop);
    await stop();
  }
  return Buffer.concat(chunks);
}

/** By the first bytes: the `Content-Type` of servers is often wrong, and Google reads the bytes. */
function typeOf(bytes: Buffer): string {
  const type = imageTypeOf(bytes);
  if (type === null || type === "image/gif") throw new Error("neither PNG nor JPEG nor WebP");
  return type;
}
