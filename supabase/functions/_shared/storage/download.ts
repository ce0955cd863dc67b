import { MediaError, toMediaError } from "./media-error.ts";
import type { StorageClient } from "./storage-client.ts";

/** The first bytes of a file; null when there is none. No more of it is read than that. */
export async function firstBytes(
  client: StorageClient,
  file: { bucket: string; path: string; count: number },
): Promise<Uint8Array | null> {
  const { data, error } = await client.storage
    .from(file.bucket)
    .setHeader("Range", `bytes=0-${file.count - 1}`)
    .download(file.path)
    .asStream();
  if (error) {
    const failure = toMediaError(error, "file_missing");
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
