// The images of a submission: we fetch them, from URLs that users chose.
import assert from "node:assert/strict";
import type { ProviderRun } from "../provider.ts";
import type { ResolveHost } from "../resolve-host.ts";
import { classOf, errorOf, fakeFetch, noTimeout, type SentRequest } from "../test_support.ts";
import { createVeoAdapter } from "./veo-adapter.ts";

const API = "https://generativelanguage.googleapis.com/v1beta";
const model = "veo-3.1-fast-generate-preview";

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]);
const JPEG = new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 4, 5]);
const WEBP = new TextEncoder().encode("RIFF\x01\x02\x03\x04WEBPVP8 ");

type Answers = Record<string, () => Response | Promise<Response>>;

interface Submitted {
  sent: SentRequest[];
  run: Promise<ProviderRun>;
}

/** Submits the input; the given URLs answer so, and Google accepts. */
function submit(
  input: Record<string, unknown>,
  answers: Answers,
  { resolveHost, options = noTimeout() }: { resolveHost?: ResolveHost; options?: { signal: AbortSignal } } = {},
): Submitted {
  const accepted = () => Response.json({ name: "models/x/operations/y" });
  const { send, sent } = fakeFetch((url) => (answers[url] ?? accepted)());
  const veo = createVeoAdapter({ key: "secret", fetch: send, resolveHost });
  return { sent, run: veo.submit({ model, input, startWithinSeconds: 90 }, options) };
}

const urlsOf = (sent: SentRequest[]) => sent.map(({ url }) => url);

Deno.test("images are fetched without the key and sent as bytes, their type read from the bytes", async () => {
  const { sent, run } = submit(
    {
      prompt: "A lighthouse",
      image_url: "https://a.example/1.bin",
      last_frame_url: "https://b.example/2",
      personGeneration: "allow_adult",
    },
    {
      "https://a.example/1.bin": () =>
        new Response(null, { status: 302, headers: { location: "https://c.example/3" } }),
      "https://c.example/3": () => new Response(PNG, { headers: { "content-type": "application/octet-stream" } }),
      "https://b.example/2": () => new Response(JPEG, { headers: { "content-type": "image/png" } }),
    },
  );
  await run;
  const body = sent.find(({ url }) => url.startsWith(API))?.body;
  assert.deepEqual(body, {
    instances: [{
      prompt: "A lighthouse",
      image: { bytesBase64Encoded: "iVBORw0KGgoBAgM=", mimeType: "image/png" },
      lastFrame: { bytesBase64Encoded: "/9j/4AQF", mimeType: "image/jpeg" },
    }],
    parameters: { personGeneration: "allow_adult", sampleCount: 1 },
  });
  const withKey = sent.filter(({ headers }) => headers.has("x-goog-api-key"));
  assert.deepEqual(withKey.map(({ url }) => new URL(url).origin), [new URL(API).origin]);
});

Deno.test("a WebP image is accepted", async () => {
  const { sent, run } = submit({ image_url: "https://a.example/1" }, {
    "https://a.example/1": () => new Response(WEBP),
  });
  await run;
  assert.match(JSON.stringify(sent.at(-1)?.body), /"mimeType":"image\/webp"/);
});

/** A body in pieces, without a length and without an end. */
function endless(): Response {
  return new Response(ReadableStream.from((async function* () {
    for (;;) yield await Promise.resolve(new Uint8Array(1_000_000));
  })()));
}

const unreachable = () => Promise.reject(new TypeError("error sending request"));

const BAD_IMAGES: [what: string, url: string, answers: Answers][] = [
  ["that is missing", "https://a.example/1", { "https://a.example/1": () => new Response(null, { status: 404 }) }],
  ["of a server that answers 503", "https://a.example/1", {
    "https://a.example/1": () => new Response(null, { status: 503 }),
  }],
  ["of a server that cannot be reached", "https://a.example/1", { "https://a.example/1": unreachable }],
  ["that is HTML", "https://a.example/1", { "https://a.example/1": () => new Response("<html>") }],
  ["that is empty", "https://a.example/1", { "https://a.example/1": () => new Response(null) }],
  ["without an end", "https://a.example/1", { "https://a.example/1": endless }],
  ["on plain http", "http://a.example/1", {}],
  ["on another port", "https://a.example:8443/1", {}],
  ["behind a password", "https://user:password@a.example/1", {}],
  ["on this machine", "https://127.0.0.1/1", {}],
  ["by a name of this machine", "https://localhost/1", {}],
  ["in a private network", "https://10.0.0.1/1", {}],
  ["at a cloud's metadata", "https://169.254.169.254/latest", {}],
  ["in private IPv6", "https://[fd00::1]/1", {}],
  ["as data", "data:image/png;base64,AAAA", {}],
  ["that redirects into a private network", "https://a.example/1", {
    "https://a.example/1": () => new Response(null, { status: 302, headers: { location: "https://192.168.0.1/1" } }),
  }],
];

for (const [what, image_url, answers] of BAD_IMAGES) {
  Deno.test(`an image ${what} is the request's fault, and nothing is submitted`, async () => {
    const { sent, run } = submit({ image_url }, answers);
    const error = await errorOf(run);
    assert.deepEqual([classOf(error), error.mayHaveStarted], ["rejected image_rejected", false]);
    assert.deepEqual(error.facts, { notSent: true });
    assert.deepEqual(urlsOf(sent), Object.keys(answers));
  });
}

for (
  const addresses of [
    ["10.0.0.1"],
    ["93.184.216.34", "127.0.0.1"],
    ["fd00::1"],
    ["::ffff:10.0.0.1"],
    ["2606:2800::1", "::1"],
  ]
) {
  Deno.test(`an image whose host resolves to ${addresses} is not fetched, and nothing is submitted`, async () => {
    const resolveHost = () => Promise.resolve(addresses);
    const { sent, run } = submit({ image_url: "https://a.example/1" }, {}, { resolveHost });
    assert.equal(classOf(await errorOf(run)), "rejected image_rejected");
    assert.deepEqual(sent, []);
  });
}

Deno.test("an image that redirects to a name of a private host is not followed", async () => {
  const redirect = () => new Response(null, { status: 302, headers: { location: "https://private.example/1" } });
  const resolveHost = (host: string) => Promise.resolve(host === "a.example" ? ["93.184.216.34"] : ["169.254.169.254"]);
  const answers = { "https://a.example/1": redirect };
  const { sent, run } = submit({ image_url: "https://a.example/1" }, answers, { resolveHost });
  assert.equal(classOf(await errorOf(run)), "rejected image_rejected");
  assert.deepEqual(urlsOf(sent), ["https://a.example/1"]);
});

const RESOLUTIONS: [what: string, resolveHost: ResolveHost, isFetched: boolean][] = [
  ["does not exist", () => Promise.resolve([]), false],
  ["cannot be resolved", () => Promise.reject(new Error("SERVFAIL")), false],
  ["cannot be asked for by this runtime", () => Promise.resolve(null), true],
  ["is public", () => Promise.resolve(["93.184.216.34"]), true],
];

for (const [what, resolveHost, isFetched] of RESOLUTIONS) {
  Deno.test(`an image whose host ${what} is ${isFetched ? "" : "not "}fetched`, async () => {
    const image = { "https://a.example/1": () => new Response(PNG) };
    const { sent, run } = submit({ image_url: "https://a.example/1" }, image, { resolveHost });
    await run.catch(() => {});
    assert.equal(sent.length, isFetched ? 2 : 0);
  });
}

Deno.test("a submission that is aborted while its image is fetched has not started", async () => {
  const limit = new AbortController();
  const answers = {
    "https://a.example/1"() {
      limit.abort(new DOMException("too slow", "TimeoutError"));
      return new Response(PNG);
    },
  };
  const { sent, run } = submit({ image_url: "https://a.example/1" }, answers, { options: { signal: limit.signal } });
  const error = await errorOf(run);
  assert.deepEqual([error.code, error.mayHaveStarted, sent.length], ["provider_timeout", false, 1]);
});
