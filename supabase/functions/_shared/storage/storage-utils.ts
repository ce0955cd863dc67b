/** Copies what providers made into our own private Storage, and hands it out again. */

import type { SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";

/** Any Supabase client, whatever its database type; only an admin's may write to a private bucket. */
export type StorageOwner = Pick<SupabaseClient, "storage">;

/** Stable codes of what went wrong with a file, and whether another try may do better. */
const RETRYABLE = {
  media_too_large: false,
  media_wrong_type: false,
  media_truncated: true,
  storage_unavailable: true,
  /** A bucket or key of ours is wrong: nothing about the video, so it may work once that is mended. */
  storage_refused: true,
  /** Larger than the project's upload limit: nothing about the video, and no other try will do better. */
  storage_too_large: false,
  file_missing: false,
} as const;

export type MediaErrorCode = keyof typeof RETRYABLE;

export class MediaError extends Error {
  override readonly name = "MediaError";
  readonly retryable: boolean;
  /** `detail` is for our log only. */
  constructor(
    readonly code: MediaErrorCode,
    readonly detail: string,
  ) {
    super(`${code}: ${detail}`);
    this.retryable = RETRYABLE[code];
  }
}

export interface StoreMedia {
  bucket: string;
  path: string;
  kind: "video" | "image";
  /** As `fetchMedia` gave it, its body untouched. */
  response: Response;
  maxBytes: number;
  signal?: AbortSignal;
}

/**
 * Streams a response's body into Storage and returns only when Storage holds all of it. Safe to repeat.
 *
 * The body is handed on untouched: then Deno moves it from socket to socket outside JavaScript, in a few MB, and sends
 * its Content-Length on. Through a `TransformStream` the upload would lose the length (Deno drops the header of any
 * other stream), and Deno 2.1, which hosted Supabase is, would keep every chunk until the end: 257 MB for 200. So the
 * bytes are not counted on the way. HTTP itself fails the upload of a body that ends early, the bucket's own limit one
 * that is too long, and afterwards Storage is asked what it holds.
 */
export async function storeMedia(client: StorageOwner, media: StoreMedia): Promise<{ bytes: number }> {
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
    const bytes = await storedBytes(client, media);
    const wrong = wrongSize(bytes, declared, media.maxBytes);
    if (wrong === undefined) return { bytes };
    // Only this upload, which Storage took, is ever removed. A refused one leaves nothing, and may have been a late
    // worker's repeat of a copy that a finished job already points to.
    await deleteFiles(client, { bucket: media.bucket, paths: [media.path] });
    throw wrong;
  } catch (error) {
    await discard(response);
    throw error;
  }
}

/** Writes a small file of our own making. Safe to repeat. */
export async function storeText(
  client: StorageOwner,
  file: { bucket: string; path: string; text: string; contentType: string },
): Promise<void> {
  const { error } = await client.storage
    .from(file.bucket)
    .upload(file.path, new TextEncoder().encode(file.text), { contentType: file.contentType, upsert: true });
  if (error) throw mediaError(error);
}

/** URLs by which anybody can read the files until they expire, by path; a file that is not there has none. */
export async function signedUrls(
  client: StorageOwner,
  files: { bucket: string; paths: string[]; expiresInSeconds: number },
): Promise<Map<string, string>> {
  const { data, error } = await client.storage.from(files.bucket).createSignedUrls(files.paths, files.expiresInSeconds);
  if (error) throw mediaError(error);
  return new Map(data.flatMap(({ path, signedUrl }) => path && signedUrl ? [[path, signedUrl]] : []));
}

/** The first bytes of a file; null when there is none. No more of it is read than that. */
export async function firstBytes(
  client: StorageOwner,
  file: { bucket: string; path: string; count: number },
): Promise<Uint8Array | null> {
  const { data, error } = await client.storage
    .from(file.bucket)
    .setHeader("Range", `bytes=0-${file.count - 1}`)
    .download(file.path)
    .asStream();
  if (error) {
    const failure = mediaError(error, "file_missing");
    if (failure.code === "file_missing") return null;
    throw failure;
  }
  return await readStart(data, file.count);
}

async function readStart(body: ReadableStream<Uint8Array>, count: number): Promise<Uint8Array> {
  const reader = body.getReader();
  const start = new Uint8Array(count);
  let length = 0;
  try {
    for (let read; length < count && !(read = await reader.read()).done;) {
      const part = read.value.subarray(0, count - length);
      start.set(part, length);
      length += part.length;
    }
  } catch (error) {
    throw new MediaError("storage_unavailable", `the file broke off: ${error}`);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  return start.subarray(0, length);
}

/** An address to which anybody can upload one new file, once, within two hours. */
export async function signedUpload(
  client: StorageOwner,
  file: { bucket: string; path: string },
): Promise<{ url: string; token: string }> {
  const { data, error } = await client.storage.from(file.bucket).createSignedUploadUrl(file.path);
  if (error) throw mediaError(error);
  return { url: data.signedUrl, token: data.token };
}

/** Storage takes at most this many names in one request. */
const MAX_DELETE = 1000;

/** Deletes the files that are there; safe to repeat. */
export async function deleteFiles(client: StorageOwner, files: { bucket: string; paths: string[] }): Promise<void> {
  for (let start = 0; start < files.paths.length; start += MAX_DELETE) {
    const { error } = await client.storage.from(files.bucket).remove(files.paths.slice(start, start + MAX_DELETE));
    if (error) throw mediaError(error);
  }
}

const uploadSignals = new WeakMap<object, AbortSignal>();

/** For everything but uploads: somebody waits for a URL, and a worker that waits for ever is lost to all jobs. */
const CALL_LIMIT_MS = 20_000;

/**
 * The `fetch` for `createClient(…, { global: { fetch: storageFetch } })`: storage-js has no way to abort a call. The signal
 * of an upload travels beside its body (without it `storeMedia` still stops waiting, but the transfer goes on by itself),
 * and every other call that brings no signal of its own has a limit.
 */
export function storageFetch(input: URL | RequestInfo, init?: RequestInit): Promise<Response> {
  const signal = init?.body instanceof ReadableStream
    ? uploadSignals.get(init.body)
    : (init?.signal ?? AbortSignal.timeout(CALL_LIMIT_MS));
  return fetch(input, signal ? { ...init, signal } : init);
}

async function upload(
  client: StorageOwner,
  media: StoreMedia,
  body: ReadableStream<Uint8Array>,
  contentType: string,
): Promise<void> {
  const { signal } = media;
  if (signal?.aborted) throw interrupted(signal);
  if (signal) uploadSignals.set(body, signal);
  const transfer = client.storage
    .from(media.bucket)
    .upload(media.path, body, { contentType, upsert: true, duplex: "half" });
  const { error } = await (signal ? orAbort(transfer, signal) : transfer);
  if (error) throw signal?.aborted ? interrupted(signal) : mediaError(error);
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

/** Supabase tells the size beside the user's metadata, `@supabase/lite` within it. */
const storedFile = z.object({
  size: z.number().nullish(),
  metadata: z.object({ size: z.number().nullish() }).nullish().catch(null),
});

async function storedBytes(client: StorageOwner, { bucket, path }: StoreMedia): Promise<number> {
  const { data, error } = await client.storage.from(bucket).info(path);
  if (error) throw mediaError(error);
  const file = storedFile.safeParse(data).data;
  const bytes = file?.size ?? file?.metadata?.size;
  if (typeof bytes !== "number") {
    throw new MediaError("storage_unavailable", "Storage does not tell the file's size");
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

/** Lets go of the provider's connection. */
async function discard(response: Response): Promise<void> {
  // A body that an upload still holds, or that has failed, cannot be cancelled: nothing is left to let go of.
  await response.body?.cancel().catch(() => undefined);
}

/** storage-js's errors: hosted Storage often answers HTTP 400 and puts the real status into the body. */
const storageError = z.object({
  status: z.coerce.number().nullish().catch(null),
  statusCode: z.coerce.number().nullish().catch(null),
  originalError: z.unknown().optional(),
});

const CODES_BY_STATUS: ReadonlyMap<number, MediaErrorCode> = new Map([
  [413, "storage_too_large"],
  [415, "media_wrong_type"],
  [408, "storage_unavailable"],
  [423, "storage_unavailable"],
  [429, "storage_unavailable"],
]);

function mediaError(error: Error, notFound: MediaErrorCode = "storage_refused"): MediaError {
  const { status, statusCode, originalError } = storageError.safeParse(error).data ?? {};
  const cause = wordsOf(originalError);
  const detail = `${statusCode ?? status ?? "no answer"}: ${error.message} ${cause}`.trim();
  // The words of Deno (2.1 and 2.9) for a request body that failed on the way: the provider's download broke off.
  if (cause.includes("reading a body from connection")) return new MediaError("media_truncated", detail);
  if (status === 404 || statusCode === 404) {
    return new MediaError(notFound, detail);
  }
  const code = CODES_BY_STATUS.get(statusCode ?? 0) ?? CODES_BY_STATUS.get(status ?? 0);
  if (code) return new MediaError(code, detail);
  const refused = typeof status === "number" && status >= 400 && status < 500;
  return new MediaError(refused ? "storage_refused" : "storage_unavailable", detail);
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return `${error.message} ${wordsOf(error.cause)}`;
}
