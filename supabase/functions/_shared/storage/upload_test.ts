import assert from "node:assert/strict";
import {
  brokenOff,
  createTestClient,
  FILM,
  film,
  mediaError,
  PATH,
  storageFailure,
  target,
  unmeasuredFilm,
  withStorage,
} from "./fake-storage_test.ts";
import type { MediaErrorCode } from "./media-error.ts";
import { storeMedia } from "./upload.ts";

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

Deno.test("a file whose length is trusted costs one request of Storage", async () => {
  await withStorage(async ({ storage, client, open }) => {
    const { bytes } = await storeMedia(client, { ...target(await open(() => film())), trustsLength: true });
    assert.deepEqual([bytes, storage.requests], [FILM.length, [`POST /videos/${PATH}`]]);
  });
});

Deno.test("Storage is asked for the size of a file of unknown length, also where the length is trusted", async () => {
  await withStorage(async ({ storage, client, open }) => {
    storage.answer = (request) => request.method === "GET" ? Response.json({ size: 17 }) : undefined;
    const { bytes } = await storeMedia(client, { ...target(await open(unmeasuredFilm)), trustsLength: true });
    assert.equal(bytes, 17);
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
