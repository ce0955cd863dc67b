import type { SupabaseClient } from "@supabase/supabase-js";

/** Any Supabase client, whatever its database type; only an admin's may write to a private bucket. */
export type StorageClient = Pick<SupabaseClient, "storage">;

/** The signal of an upload, by its body. */
const uploadSignals = new WeakMap<object, AbortSignal>();

/** For all calls but uploads: a client waits for a URL, and a worker that waits for ever does no other job. */
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

/** Lets `storageFetch` end the upload of this body with the signal. */
export function endWithSignal(body: ReadableStream<Uint8Array>, signal: AbortSignal): void {
  uploadSignals.set(body, signal);
}
