/** Copies what providers made, and small files of our own, into our Storage. */

import { z } from "zod";
import { MediaError, toMediaError } from "./media-error.ts";
import { endWithSignal, type StorageClient } from "./storage-client.ts";
import { deleteFiles } from "./delete.ts";

export interface StoreMedia {
  bucket: string;
  path: string;
  kind: "video" | "image";
  /** As `fetchMedia` returned it, with its body unread. */
  response: Response;
  maxBytes: number;
  /** Whether a declared length is enough: for a picture, or where the size in Storage is compared afterwards. */
  trustsLength?: boolean;
  signal?: AbortSignal;
}

/**
 * Streams a response's body into Storage and returns only when Storage holds all of it. Safe to repeat.
 *
 * The body is passed on unchanged: then Deno moves it from socket to socket outside JavaScript, in a few MB, and sends
 * its Content-Length on. Through a `TransformStream` the upload would lose the length (Deno drops the header of any
 * other stream), and Deno 2.1, which hosted Supabase runs, would keep every chunk until the end: 257 MB for 200. So the
 * bytes are not counted on the way. HTTP itself fails the upload of a body that ends early, the bucket's own limit one
 * that is too long, and afterwards we ask Storage for the size of the file, or the database compares it.
 */
export async function storeMedia(client: StorageClient, media: StoreMedia): Promise<{ bytes: number }> {
  const { response } = media;
  try {
    const declared = declaredBytes(response);
    const contentType = typeOf(response, media.kind);
    if (declared !== undefined && declared > media.maxBytes) {
      throw new MediaError("media_too_large", `${declared} bytes declared, ${media.maxBytes} allowed`);
    }
    if (response.body === null || declared === 0) {
      throw new MediaError("media_truncated", "an empty file");
    }
    await upload(client, media, response.body, contentType);
    if (media.trustsLength && declared !== undefined) return { bytes: declared };
    const bytes = await storedBytes(client, media);
    const wrong = wrongSize(bytes, declared, media.maxBytes);
    if (wrong === undefined) return { bytes };
    // Only this upload, which Storage took, is ever removed. A refused one leaves nothing, and may have been a late
    // worker's repeat of a copy that a finished job already points to.
    await deleteFiles(client, { bucket: media.bucket, paths: [media.path] });
    throw wrong;
  } catch (error) {
    await cancelBody(response);
    throw error;
  }
}

/** Writes a small file of our own making. Safe to repeat. */
export async function storeText(
  client: StorageClient,
  file: { bucket: string; path: string; text: string; contentType: string },
): Promise<void> {
  const { error } = await client.storage
    .from(file.bucket)
    .upload(file.path, new TextEncoder().encode(file.text), { contentType: file.contentType, upsert: true });
  if (error) throw toMediaError(error);
}

async function upload(
  client: StorageClient,
  media: StoreMedia,
  body: ReadableStream<Uint8Array>,
  contentType: string,
): Promise<void> {
  const { signal } = media;
  if (signal?.aborted) throw interrupted(signal);
  if (signal) endWithSignal(body, signal);
  const transfer = client.storage
    .from(media.bucket)
    .upload(media.path, body, { contentType, upsert: true, duplex: "half" });
  const { error } = await (signal ? orAbort(transfer, signal) : transfer);
  if (error) throw signal?.aborted ? interrupted(signal) : toMediaError(error);
}

async function orAbort<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(interrupted(signal));
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function interrupted(signal: AbortSignal): MediaError {
  return new MediaError("storage_unavailable", `the copy was stopped: ${signal.reason}`);
}

/** Supabase gives the size beside the user's metadata, `@supabase/lite` within it. */
const storedFile = z.object({
  size: z.number().nullish(),
  metadata: z.object({ size: z.number().nullish() }).nullish().catch(null),
});

async function storedBytes(client: StorageClient, { bucket, path }: StoreMedia): Promise<number> {
  const { data, error } = await client.storage.from(bucket).info(path);
  if (error) throw toMediaError(error);
  const file = storedFile.safeParse(data).data;
  const bytes = file?.size ?? file?.metadata?.size;
  if (typeof bytes !== "number") {
    throw new MediaError("storage_unavailable", "Storage does not say the file's size");
  }
  return bytes;
}

function wrongSize(bytes: number, declared: number | undefined, maxBytes: number): MediaError | undefined {
  if (bytes > maxBytes) {
    return new MediaError("media_too_large", `${bytes} bytes stored, ${maxBytes} allowed`);
  }
  if (bytes === 0 || (declared !== undefined && bytes !== declared)) {
    return new MediaError("media_truncated", `${bytes} bytes stored, ${declared ?? "some"} declared`);
  }
}

function declaredBytes(response: Response): number | undefined {
  const header = response.headers.get("content-length");
  return header !== null && /^\d+$/.test(header) ? Number(header) : undefined;
}

/** Buckets and servers that do not know the type of a file say one of these; then its name decides. */
const UNSPECIFIC_TYPES: ReadonlySet<string> = new Set([
  "",
  "application/octet-stream",
  "binary/octet-stream",
  "application/mp4",
]);

const TYPES_BY_EXTENSION: ReadonlyMap<string, string> = new Map([
  ["mp4", "video/mp4"],
  ["m4v", "video/mp4"],
  ["mov", "video/quicktime"],
  ["webm", "video/webm"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["png", "image/png"],
  ["webp", "image/webp"],
]);

function typeOf(response: Response, kind: StoreMedia["kind"]): string {
  const declared = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (declared.startsWith(`${kind}/`)) return declared;
  const path = URL.canParse(response.url) ? new URL(response.url).pathname : "";
  const byName = TYPES_BY_EXTENSION.get(path.slice(path.lastIndexOf(".") + 1).toLowerCase());
  if (byName?.startsWith(`${kind}/`) && UNSPECIFIC_TYPES.has(declared)) return byName;
  throw new MediaError("media_wrong_type", `not of type ${kind}: ${declared || "no type"}`);
}

/** Closes the provider's connection. */
async function cancelBody(response: Response): Promise<void> {
  // A body that an upload still holds, or that has failed, cannot be cancelled, and has nothing left to close.
  await response.body?.cancel().catch(() => undefined);
}
