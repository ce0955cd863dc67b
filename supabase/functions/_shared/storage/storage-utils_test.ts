import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createClient } from "@supabase/supabase-js";
import { z } from "zod";
import { fetchMedia } from "../providers/media.ts";
import {
  deleteFiles,
  MediaError,
  type MediaErrorCode,
  signedUrls,
  storageFetch,
  type StorageOwner,
  storeMedia,
} from "./storage-utils.ts";

const patient = new AbortController().signal;
const PATH = "user-1/job-1.mp4";
const FILM = new Uint8Array(300_000).map((_, index) => index % 251);

interface StoredFile {
  size: number;
  contentType: string;
}

/** Supabase Storage as far as we use it: an upload that breaks off leaves what was there before. */
class FakeStorage {
  files = new Map<string, StoredFile>();
  requests: string[] = [];
  uploads: { headers: Headers; bytes: Uint8Array }[] = [];
  /** Answers in its place, while it is set. */
  answer: ((request: Request) => Response | Promise<Response> | undefined) | undefined;

  async handle(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname.replace("/storage/v1/object", "");
    this.requests.push(`${request.method} ${path}`);
    const scripted = await this.answer?.(request);
    if (scripted) return scripted;
    if (request.method === "POST" && path.startsWith("/sign/")) {
      return await this.#sign(request, path.replace("/sign/", ""));
    }
    if (request.method === "POST") return await this.#upload(request, path.slice(1));
    if (request.method === "GET") return this.#info(path.replace("/info/", ""));
    const { prefixes } = await request.json();
    for (const prefix of prefixes) this.files.delete(`videos/${prefix}`);
    return Response.json([]);
  }

  async #upload(request: Request, path: string): Promise<Response> {
    const headers = new Headers(request.headers);
    const bytes = await request.bytes();
    this.uploads.push({ headers, bytes });
    this.files.set(path, { size: bytes.length, contentType: headers.get("content-type") ?? "" });
    return Response.json({ Id: "id", Key: path });
  }

  #info(path: string): Response {
    const file = this.files.get(path);
    return file
      ? Response.json({ id: "id", name: path, size: file.size })
      : storageFailure(400, "404", "Object not found");
  }

  async #sign(request: Request, bucket: string): Promise<Response> {
    const { paths } = z.object({ paths: z.array(z.string()) }).parse(await request.json());
    return Response.json(
      paths.map((path) =>
        this.files.has(`${bucket}/${path}`)
          ? { path, error: null, signedURL: `/object/sign/${bucket}/${path}?token=t` }
          : { path, error: "Either the object does not exist or you do not have access to it", signedURL: null }
      ),
    );
  }
}

function storageFailure(status: number, statusCode: string, message: string): Response {
  return Response.json({ statusCode, error: message, message }, { status });
}

interface Bench {
  storage: FakeStorage;
  client: StorageOwner;
  /** Opens a file of the provider, whose answer is the test's. */
  open(answer: (request: Request) => Response, name?: string, signal?: AbortSignal): Promise<Response>;
}

async function withStorage(test: (bench: Bench) => Promise<void>): Promise<void> {
  const storage = new FakeStorage();
  const storing = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
    onError: () => storageFailure(500, "500", ""),
  }, (request) => storage.handle(request));
  let answer: (request: Request) => Response = () => new Response("nothing");
  const providing = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => answer(request));
  const origin = `http://127.0.0.1:${providing.addr.port}`;
  try {
    await test({
      storage,
      client: createTestClient(`http://127.0.0.1:${storing.addr.port}`),
      open(as, name = "1.mp4", signal = patient) {
        answer = as;
        return fetchMedia(`${origin}/${name}`, { allowedHosts: [origin], signal });
      },
    });
  } finally {
    await Promise.all([storing.shutdown(), providing.shutdown()]);
  }
}

function createTestClient(url: string): StorageOwner {
  return createClient(url, "sb_secret_test", {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { fetch: storageFetch },
  });
}

const film = (headers: HeadersInit = { "content-type": "video/mp4" }) => new Response(FILM, { headers });

/** A film sent in pieces, so that nobody knows its length beforehand. */
const unmeasuredFilm = () => new Response(new Blob([FILM]).stream(), { headers: { "content-type": "video/mp4" } });

const target = (response: Response, maxBytes = 1_000_000) =>
  ({ bucket: "videos", path: PATH, kind: "video", response, maxBytes }) as const;

async function mediaError(promise: Promise<unknown>): Promise<MediaError> {
  const error = await promise.then(() => assert.fail("no error"), (reason: unknown) => reason);
  assert.ok(error instanceof MediaError, `not a MediaError: ${error}`);
  return error;
}

Deno.test("a video is copied as it is, with its type, its length and leave to overwrite", async () => {
  await withStorage(async ({ storage, client, open }) => {
    assert.deepEqual(await storeMedia(client, target(await open(() => film()))), { bytes: FILM.length });
    const [upload] = storage.uploads;
    assert.deepEqual(upload?.bytes, FILM);
    assert.equal(upload.headers.get("content-type"), "video/mp4");
    assert.equal(upload.headers.get("content-length"), String(FILM.length));
    assert.equal(upload.headers.get("x-upsert"), "true");
    assert.deepEqual(storage.requests, [`POST /videos/${PATH}`, `GET /info/videos/${PATH}`]);
  });
});

Deno.test("a video of unknown length is copied too, and may be copied again", async () => {
  await withStorage(async ({ storage, client, open }) => {
    for (let copy = 0; copy < 2; copy++) {
      assert.deepEqual(await storeMedia(client, target(await open(unmeasuredFilm))), { bytes: FILM.length });
    }
    assert.equal(storage.uploads[1]?.headers.get("content-length"), null);
    assert.deepEqual(storage.uploads[1]?.bytes, FILM);
  });
});

Deno.test("the size is also read where the metadata hold it, as @supabase/lite has it", async () => {
  await withStorage(async ({ storage, client, open }) => {
    storage.answer = (request) =>
      request.method === "GET" ? Response.json({ id: "x", metadata: { size: FILM.length } }) : undefined;
    assert.deepEqual(await storeMedia(client, target(await open(() => film()))), { bytes: FILM.length });
  });
});

const types: [declared: string | undefined, name: string, stored: string | undefined][] = [
  ["video/mp4", "file", "video/mp4"],
  ["Video/WebM; codecs=vp9", "1.mp4", "video/webm"],
  ["application/octet-stream", "1.mp4", "video/mp4"],
  ["binary/octet-stream", "1.MOV", "video/quicktime"],
  [undefined, "1.webm", "video/webm"],
  ["application/octet-stream", "file", undefined],
  ["application/octet-stream", "1.exe", undefined],
  ["text/html", "1.mp4", undefined],
  ["application/json", "1.mp4", undefined],
  ["image/jpeg", "1.jpg", undefined],
];

for (const [declared, name, stored] of types) {
  Deno.test(`${name} of type ${declared} is ${stored ? `stored as ${stored}` : "refused unread"}`, async () => {
    await withStorage(async ({ storage, client, open }) => {
      const response = await open(() => film(declared === undefined ? {} : { "content-type": declared }), name);
      const copy = storeMedia(client, target(response));
      if (stored === undefined) {
        const error = await mediaError(copy);
        assert.deepEqual([error.code, error.retryable], ["media_wrong_type", false]);
        assert.deepEqual(storage.requests, []);
      } else {
        await copy;
        assert.equal(storage.files.get(`videos/${PATH}`)?.contentType, stored);
      }
    });
  });
}

Deno.test("a video that declares too many bytes is refused unread", async () => {
  await withStorage(async ({ storage, client, open }) => {
    const error = await mediaError(storeMedia(client, target(await open(() => film()), FILM.length - 1)));
    assert.deepEqual([error.code, error.retryable], ["media_too_large", false]);
    assert.deepEqual(storage.requests, []);
  });
});

Deno.test("a video that turns out too large is removed", async () => {
  await withStorage(async ({ storage, client, open }) => {
    const error = await mediaError(storeMedia(client, target(await open(unmeasuredFilm), FILM.length - 1)));
    assert.deepEqual([error.code, error.retryable], ["media_too_large", false]);
    assert.equal(storage.files.size, 0);
  });
});

Deno.test("a video that Storage holds only in part is removed", async () => {
  await withStorage(async ({ storage, client, open }) => {
    storage.answer = (request) => request.method === "GET" ? Response.json({ size: 17 }) : undefined;
    const error = await mediaError(storeMedia(client, target(await open(() => film()))));
    assert.deepEqual([error.code, error.retryable], ["media_truncated", true]);
    assert.equal(storage.files.size, 0);
  });
});

Deno.test("an empty video is refused", async () => {
  await withStorage(async ({ storage, client, open }) => {
    const empty = () => new Response(null, { headers: { "content-type": "video/mp4" } });
    assert.equal((await mediaError(storeMedia(client, target(await open(empty))))).code, "media_truncated");
    assert.equal(storage.files.size, 0);
  });
});

/** A provider that cuts the connection in the middle of a file, whether its length is known or not. */
async function brokenOff(head: string): Promise<Response> {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const serving = (async () => {
    const connection = await listener.accept();
    await connection.read(new Uint8Array(65536));
    const start = `HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\n${head}\r\n\r\n`;
    await connection.write(new TextEncoder().encode(`${start}4\r\nfilm\r\n`));
    connection.close();
    listener.close();
  })();
  const origin = `http://127.0.0.1:${listener.addr.port}`;
  const response = await fetchMedia(origin, { allowedHosts: [origin], signal: patient });
  await serving;
  return response;
}

for (const head of ["content-length: 100000", "transfer-encoding: chunked"]) {
  Deno.test(`a download that breaks off (${head}) leaves an earlier copy as it was`, async () => {
    await withStorage(async ({ storage, client, open }) => {
      await storeMedia(client, target(await open(() => film())));
      const error = await mediaError(storeMedia(client, target(await brokenOff(head))));
      assert.deepEqual([error.code, error.retryable], ["media_truncated", true]);
      assert.equal(storage.files.get(`videos/${PATH}`)?.size, FILM.length);
    });
  });
}

const refusals: [answer: () => Response, code: MediaErrorCode, retryable: boolean][] = [
  [() => storageFailure(400, "413", "The object exceeded the maximum allowed size"), "storage_too_large", false],
  [() => storageFailure(413, "413", "Payload too large"), "storage_too_large", false],
  [() => storageFailure(400, "415", "mime type video/webm is not supported"), "media_wrong_type", false],
  [() => storageFailure(400, "404", "Bucket not found"), "storage_refused", true],
  [() => storageFailure(400, "403", "new row violates row-level security policy"), "storage_refused", true],
  [() => storageFailure(429, "429", "slow down"), "storage_unavailable", true],
  [() => storageFailure(400, "423", "locked"), "storage_unavailable", true],
  [() => storageFailure(500, "500", "boom"), "storage_unavailable", true],
  [() => new Response("<html>nginx</html>", { status: 503 }), "storage_unavailable", true],
  [() => storageFailure(544, "544", "database timeout"), "storage_unavailable", true],
];

for (const [answer, code, retryable] of refusals) {
  Deno.test(`an upload answered with ${answer().status} is ${code} after one request`, async () => {
    await withStorage(async ({ storage, client, open }) => {
      storage.answer = async (request) => {
        await request.body?.cancel();
        return answer();
      };
      const error = await mediaError(storeMedia(client, target(await open(() => film()))));
      assert.deepEqual([error.code, error.retryable], [code, retryable]);
      assert.equal(storage.requests.length, 1);
    });
  });
}

Deno.test("a Storage that is out of reach is worth another try", async () => {
  const closed = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  closed.close();
  const client = createTestClient(`http://127.0.0.1:${closed.addr.port}`);
  await withStorage(async ({ open }) => {
    const error = await mediaError(storeMedia(client, target(await open(() => film()))));
    assert.deepEqual([error.code, error.retryable], ["storage_unavailable", true]);
  });
});

Deno.test("a copy ends with the caller's signal, when Storage does not answer or the provider falls silent", async () => {
  for (const silent of ["storage", "provider"]) {
    const limit = new AbortController();
    const stalled = Promise.withResolvers<Response>();
    await withStorage(async ({ storage, client, open }) => {
      storage.answer = () => {
        limit.abort(new DOMException("too slow", "TimeoutError"));
        return silent === "storage" ? stalled.promise : undefined;
      };
      const half = () =>
        new Response(new ReadableStream({ start: (controller) => controller.enqueue(FILM) }), {
          headers: { "content-type": "video/mp4" },
        });
      const response = await open(silent === "provider" ? half : () => film(), "1.mp4", limit.signal);
      const error = await mediaError(storeMedia(client, { ...target(response), signal: limit.signal }));
      assert.deepEqual([error.code, error.retryable], ["storage_unavailable", true]);
      assert.equal(storage.files.size, 0);
      stalled.resolve(Response.json({}));
    });
  }
});

Deno.test("signed URLs lead to their files, and a file that is not there has none", async () => {
  await withStorage(async ({ client, open }) => {
    await storeMedia(client, target(await open(() => film())));
    const files = { bucket: "videos", paths: [PATH, "user-1/never-there.mp4"], expiresInSeconds: 60 };
    const urls = await signedUrls(client, files);
    assert.deepEqual([...urls.keys()], [PATH]);
    assert.match(urls.get(PATH) ?? "", /\/storage\/v1\/object\/sign\/videos\/user-1\/job-1\.mp4\?token=t$/);
  });
});

Deno.test("files are deleted, also those that are not there, and none means no request", async () => {
  await withStorage(async ({ storage, client, open }) => {
    await storeMedia(client, target(await open(() => film())));
    await deleteFiles(client, { bucket: "videos", paths: [PATH, "user-1/never-there.mp4"] });
    assert.equal(storage.files.size, 0);
    storage.requests = [];
    await deleteFiles(client, { bucket: "videos", paths: [] });
    assert.deepEqual(storage.requests, []);
    storage.answer = () => storageFailure(500, "500", "boom");
    assert.equal(
      (await mediaError(deleteFiles(client, { bucket: "videos", paths: [PATH] }))).code,
      "storage_unavailable",
    );
  });
});

const MEGABYTE = 1024 * 1024;

Deno.test({
  name: "a copy of 200 MB costs less than 64 MB of memory",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const size = 200 * MEGABYTE;
    let received = 0;
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
      if (request.url.endsWith("/film")) return new Response(zeros(size), { headers: filmHeaders(size) });
      if (request.method === "GET") return Response.json({ size: received });
      for await (const piece of request.body ?? []) received += piece.length;
      return Response.json({ Id: "id", Key: "key" });
    });
    const script = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(script, copierScript(`http://127.0.0.1:${server.addr.port}`));
    // A process of its own: the peak is the process's, and this one holds the two servers.
    const copier = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-lock",
        "--no-check",
        "--node-modules-dir=none",
        "--config",
        fileAt("../../../../deno.json"),
        script,
      ],
      stderr: "inherit",
    });
    const { stdout } = await copier.output();
    await Deno.remove(script);
    await server.shutdown();
    const { bytes, before, peak } = JSON.parse(new TextDecoder().decode(stdout));
    assert.equal(bytes, size);
    assert.equal(received, size);
    assert.ok(peak - before < 64, `${peak - before} MB`);
  },
});

function filmHeaders(size: number): HeadersInit {
  return { "content-type": "video/mp4", "content-length": String(size) };
}

function zeros(size: number): ReadableStream<Uint8Array> {
  let left = size;
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      const piece = new Uint8Array(Math.min(left, 65_536));
      left -= piece.length;
      controller.enqueue(piece);
    },
  });
}

function fileAt(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

function copierScript(origin: string): string {
  return `
    import { createClient } from "@supabase/supabase-js";
    import { fetchMedia } from "${new URL("../providers/media.ts", import.meta.url)}";
    import { storageFetch, storeMedia } from "${new URL("storage-utils.ts", import.meta.url)}";
    const megabytes = () => Number(/VmHWM:\\s+(\\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))[1]) / 1024;
    const client = createClient("${origin}", "sb_secret_test", { global: { fetch: storageFetch } });
    const before = megabytes();
    const response = await fetchMedia("${origin}/film", {
      allowedHosts: ["${origin}"], signal: AbortSignal.timeout(60_000),
    });
    const { bytes } = await storeMedia(client, { bucket: "videos", path: "a.mp4", response, kind: "video", maxBytes: 1e9 });
    console.log(JSON.stringify({ bytes, before, peak: megabytes() }));
    Deno.exit();
  `;
}
