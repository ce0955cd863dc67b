import { toMediaError } from "./media-error.ts";
import type { StorageClient } from "./storage-client.ts";

/** Storage takes at most this many names in one request. */
const MAX_DELETE = 1000;

/** Deletes the files that are there; safe to repeat. */
export async function deleteFiles(client: StorageClient, files: { bucket: string; paths: string[] }): Promise<void> {
  for (let start = 0; start < files.paths.length; start += MAX_DELETE) {
    const { error } = await client.storage.from(files.bucket).remove(files.paths.slice(start, start + MAX_DELETE));
    if (error) throw toMediaError(error);
  }
}
