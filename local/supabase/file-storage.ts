import type { App } from "@supabase/lite";
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { parseRange } from "../machine/byte-range.ts";

type StorageAdapter = NonNullable<App["_storageAdapter"]>;
type ObjectMetadata = Awaited<ReturnType<StorageAdapter["headObject"]>>;

/** The `Range` header of the request that is served: @supabase/lite does not pass it to its storage. */
export const requestedRange: AsyncLocalStorage<string | null> = new AsyncLocalStorage();

const CHUNK_BYTES = 65_536;

/** Keeps the files of Storage in a folder. Bytes stream through: no whole file is ever in memory. */
export function createFileStorage(folder: string): StorageAdapter {
  Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });

  // The name is a hash: an object key may be longer than a file name can be, and may hold any character.
  function locate(bucket: string, key: string): string {
    return `${folder}/${createHash("sha256").update(`${bucket}/${key}`).digest("hex")}`;
  }

  return {
    driver: folder,
    async getObject(bucket, key) {
      const file = locate(bucket, key);
      const metadata = await readMetadata(file);
      const { size } = metadata;
      const range = parseRange(requestedRange.getStore() ?? null, size);
      if (range === "unsatisfiable") {
        const none = { ...metadata, contentLength: 0, contentRange: `bytes */${size}` };
        return { httpStatusCode: 416, metadata: none, body: ReadableStream.from([]) };
      }
      if (range === undefined) return { httpStatusCode: 200, metadata, body: readFile(file, 0, size) };
      const contentLength = range.end - range.start + 1;
      return {
        httpStatusCode: 206,
        metadata: { ...metadata, contentLength, contentRange: `bytes ${range.start}-${range.end}/${size}` },
        body: readFile(file, range.start, contentLength),
      };
    },
    async uploadObject(bucket, key, _version, body, mimetype, cacheControl) {
      const file = locate(bucket, key);
      const part = `${file}.${crypto.randomUUID()}`;
      try {
        await writeFile(part, body instanceof Uint8Array ? [body] : body);
        await Deno.writeTextFile(`${file}.json`, JSON.stringify({ mimetype, cacheControl }));
        // Only a complete upload gets the name: one that breaks off changes nothing.
        await Deno.rename(part, file);
      } finally {
        await remove(part);
      }
      return await readMetadata(file);
    },
    deleteObject: (bucket, key) => deleteFile(locate(bucket, key)),
    async deleteObjects(bucket, keys) {
      await Promise.all(keys.map((key) => deleteFile(locate(bucket, key))));
    },
    async copyObject(fromBucket, fromKey, _version, toBucket, toKey) {
      const [from, to] = [locate(fromBucket, fromKey), locate(toBucket, toKey)];
      await Promise.all([Deno.copyFile(from, to), Deno.copyFile(`${from}.json`, `${to}.json`)]);
      const { eTag, lastModified } = await readMetadata(to);
      return { httpStatusCode: 200, eTag, ...(lastModified ? { lastModified } : {}) };
    },
    headObject: (bucket, key) => readMetadata(locate(bucket, key)),
    privateAssetUrl: (bucket, key) => Promise.resolve(`file://${locate(bucket, key)}`),
  };
}

async function readMetadata(file: string): Promise<ObjectMetadata> {
  const [{ size, mtime }, described] = await Promise.all([Deno.stat(file), Deno.readTextFile(`${file}.json`)]);
  const lastModified = mtime ?? new Date();
  const eTag = `"${size.toString(16)}-${lastModified.getTime().toString(16)}"`;
  return { ...JSON.parse(described), size, contentLength: size, lastModified, eTag };
}

async function deleteFile(file: string): Promise<void> {
  await Promise.all([remove(file), remove(`${file}.json`)]);
}

/** The file is opened only when its bytes are asked for, so that an answer to HEAD leaves none open. */
function readFile(path: string, start: number, length: number): ReadableStream<Uint8Array> {
  return ReadableStream.from((async function* () {
    using file = await Deno.open(path);
    await file.seek(start, Deno.SeekMode.Start);
    for (let left = length; left > 0;) {
      const chunk = new Uint8Array(Math.min(left, CHUNK_BYTES));
      const count = await file.read(chunk);
      if (count === null) return;
      left -= count;
      yield chunk.subarray(0, count);
    }
  })());
}

async function writeFile(path: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  for await (const chunk of chunks) {
    for (let written = 0; written < chunk.length;) written += await file.write(chunk.subarray(written));
  }
}

async function remove(path: string): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
