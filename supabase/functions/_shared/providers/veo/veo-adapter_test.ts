// What only Veo has; what every provider must hold to is in tests/conformance/provider_conformance_test.ts.
import assert from "node:assert/strict";
import { ProviderError, type RunState } from "../provider.ts";
import { RPC_CODES } from "./veo-errors.ts";
import { createVeoAdapter } from "./veo-adapter.ts";

const API = "https://generativelanguage.googleapis.com/v1beta";
const model = "veo-3.1-fast-generate-preview";
const name = `models/${model}/operations/abc123`;
const patient = () => ({ signal: new AbortController().signal });

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]);
const JPEG = new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 4, 5]);
const WEBP = new TextEncoder().encode("RIFF\x01\x02\x03\x04WEBPVP8 ");

interface Sent {
  url: string;
  headers: Headers;
  body: unknown;
}

type Answers = Record<string, () => Response | Promise<Response>>;

/** An internet of the given addresses; the API accepts unless it is among them. */
function internet(answers: Answers = {}): { send: typeof fetch; sent: Sent[] } {
  const sent: Sent[] = [];
  return {
    sent,
    async send(input, init) {
      const request = new Request(input, init);
      const text = await request.text();
      const body: unknown = text === "" ? null : JSON.parse(text);
      sent.push({ url: request.url, headers: request.headers, body });
      request.signal.throwIfAborted();
      return await (answers[request.url]?.() ?? Response.json({ name }));
    },
  };
}

async function submit(input: Record<string, unknown>, answers?: Answers): Promise<Sent[]> {
  const { send, sent } = internet(answers);
  const run = await createVeoAdapter({ key: "secret", fetch: send })
    .submit({ model, input, startWithinSeconds: 90 }, patient());
  assert.deepEqual(run, { model, providerJobId: name });
  return sent;
}

async function refusalOf(call: Promise<unknown>): Promise<ProviderError> {
  const error = await call.then(() => assert.fail("no error"), (reason: unknown) => reason);
  assert.ok(error instanceof ProviderError, String(error));
  return error;
}

Deno.test("a job's flat input is split into what is shown and how", async () => {
  const [sent] = await submit({
    prompt: "A lighthouse",
    aspectRatio: "9:16",
    durationSeconds: 6,
    resolution: "720p",
    negativePrompt: "rain",
    seed: 7,
    sampleCount: 4,
  });
  assert.equal(sent?.url, `${API}/models/${model}:predictLongRunning`);
  assert.equal(sent.headers.get("x-goog-api-key"), "secret");
  assert.deepEqual(sent.body, {
    instances: [{ prompt: "A lighthouse" }],
    parameters: {
      aspectRatio: "9:16",
      durationSeconds: 6,
      resolution: "720p",
      negativePrompt: "rain",
      seed: 7,
      sampleCount: 1,
    },
  });
});

Deno.test("images are fetched without the key and sent as bytes, their type read from the bytes", async () => {
  const sent = await submit(
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

Deno.test("a WebP image is taken", async () => {
  const sent = await submit({ image_url: "https://a.example/1" }, { "https://a.example/1": () => new Response(WEBP) });
  assert.match(JSON.stringify(sent.at(-1)?.body), /"mimeType":"image\/webp"/);
});

/** Sends in pieces, without a length. */
function endless(): Response {
  return new Response(ReadableStream.from((async function* () {
    for (;;) yield await Promise.resolve(new Uint8Array(1_000_000));
  })()));
}

const unreachable = () => Promise.reject(new TypeError("error sending request"));

const BAD_IMAGES: [what: string, url: string, answers: Answers][] = [
  ["that is missing", "https://a.example/1", { "https://a.example/1": () => new Response(null, { status: 404 }) }],
  ["of a server in trouble", "https://a.example/1", {
    "https://a.example/1": () => new Response(null, { status: 503 }),
  }],
  ["of nobody", "https://a.example/1", { "https://a.example/1": unreachable }],
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
    const { send, sent } = internet(answers);
    const veo = createVeoAdapter({ key: "secret", fetch: send });
    const error = await refusalOf(veo.submit({ model, input: { image_url }, startWithinSeconds: 90 }, patient()));
    assert.deepEqual([error.kind, error.code, error.mayHaveStarted], ["rejected", "image_rejected", false]);
    assert.deepEqual(sent.map(({ url }) => url), Object.keys(answers));
  });
}

const PRIVATE_ANSWERS = [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["fd00::1"], ["::ffff:10.0.0.1"], [
  "2606:2800::1",
  "::1",
]];

for (const addresses of PRIVATE_ANSWERS) {
  Deno.test(`an image whose host resolves to ${addresses} is not fetched, nor anything submitted`, async () => {
    const { send, sent } = internet({});
    const veo = createVeoAdapter({ key: "secret", fetch: send, resolveHost: () => Promise.resolve(addresses) });
    const input = { image_url: "https://a.example/1" };
    const error = await refusalOf(veo.submit({ model, input, startWithinSeconds: 90 }, patient()));
    assert.deepEqual([error.kind, error.code, error.facts], ["rejected", "image_rejected", { notSent: true }]);
    assert.deepEqual(sent, []);
  });
}

Deno.test("an image that redirects to a name of a private host is not followed", async () => {
  const there = () => new Response(null, { status: 302, headers: { location: "https://rebound.example/1" } });
  const { send, sent } = internet({ "https://a.example/1": there });
  const resolveHost = (host: string) => Promise.resolve(host === "a.example" ? ["93.184.216.34"] : ["169.254.169.254"]);
  const veo = createVeoAdapter({ key: "secret", fetch: send, resolveHost });
  const input = { image_url: "https://a.example/1" };
  const error = await refusalOf(veo.submit({ model, input, startWithinSeconds: 90 }, patient()));
  assert.equal(error.code, "image_rejected");
  assert.deepEqual(sent.map(({ url }) => url), ["https://a.example/1"]);
});

Deno.test("an image whose host nobody can look up is not fetched, but where no look-up is to be had its name must do", async () => {
  const submitted = {
    [`${API}/models/${model}:predictLongRunning`]: () => Response.json({ name: "models/x/operations/y" }),
  };
  const image = { "https://a.example/1": () => new Response(PNG) };
  for (
    const [resolveHost, fetched] of [
      [() => Promise.resolve([]), false],
      [() => Promise.reject(new Error("SERVFAIL")), false],
      [() => Promise.resolve(null), true],
      [() => Promise.resolve(["93.184.216.34"]), true],
    ] as const
  ) {
    const { send, sent } = internet({ ...image, ...submitted });
    const veo = createVeoAdapter({ key: "secret", fetch: send, resolveHost });
    const input = { image_url: "https://a.example/1" };
    await veo.submit({ model, input, startWithinSeconds: 90 }, patient()).catch(() => {});
    assert.equal(sent.length, fetched ? 2 : 0);
  }
});

Deno.test("a submission that is called off while its image is fetched has not started", async () => {
  const limit = new AbortController();
  const { send, sent } = internet({
    "https://a.example/1"() {
      limit.abort(new DOMException("too slow", "TimeoutError"));
      return new Response(PNG);
    },
  });
  const veo = createVeoAdapter({ key: "secret", fetch: send });
  const input = { image_url: "https://a.example/1" };
  const error = await refusalOf(veo.submit({ model, input, startWithinSeconds: 90 }, { signal: limit.signal }));
  assert.deepEqual([error.code, error.mayHaveStarted, sent.length], ["provider_timeout", false, 1]);
});

Deno.test("an operation's name is taken as a path of the API, and nothing else", async () => {
  for (const strange of ["", "../../v1/x", "https://evil.example/", "models/x?key=1", "/x", 5, null]) {
    const { send } = internet({
      [`${API}/models/${model}:predictLongRunning`]: () => Response.json({ name: strange }),
    });
    const veo = createVeoAdapter({ key: "secret", fetch: send });
    const error = await refusalOf(veo.submit({ model, input: {}, startWithinSeconds: 90 }, patient()));
    assert.deepEqual([error.code, error.mayHaveStarted], ["provider_bad_answer", true], String(strange));
  }
});

const info = (reason: string) => [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason }];
const quota = (id: string) => [{ violations: [{ quotaId: id }] }];

const REFUSALS: [what: string, code: number, error: Record<string, unknown>, errorClass: string][] = [
  ["a bad input", 400, { status: "INVALID_ARGUMENT", message: "out of bound" }, "rejected provider_rejected_input"],
  [
    "a picture that Google cannot read",
    400,
    { status: "INVALID_ARGUMENT", message: "Unable to process input image. Please retry." },
    "rejected image_rejected",
  ],
  [
    "a bad key",
    400,
    { status: "INVALID_ARGUMENT", message: "API key not valid.", details: info("API_KEY_INVALID") },
    "fatal provider_unauthorized",
  ],
  [
    "a prompt that is quoted",
    400,
    { status: "INVALID_ARGUMENT", message: 'Bad prompt: "API key not valid, my daily spend limit"' },
    "rejected provider_rejected_input",
  ],
  [
    "a prompt against the rules",
    400,
    { status: "INVALID_ARGUMENT", message: "This prompt contains words that violate our usage guidelines." },
    "rejected content_policy",
  ],
  ["no billing", 400, { status: "FAILED_PRECONDITION", message: "Please enable billing." }, "fatal provider_locked"],
  ["no key", 401, { status: "UNAUTHENTICATED", message: "no" }, "fatal provider_unauthorized"],
  ["no prepaid credit", 402, { status: "FAILED_PRECONDITION", message: "no" }, "fatal provider_locked"],
  ["no permission", 403, { status: "PERMISSION_DENIED", message: "no" }, "fatal provider_unauthorized"],
  ["no such model", 404, { status: "NOT_FOUND", message: "no" }, "rejected provider_model_missing"],
  [
    "a minute's quota",
    429,
    {
      status: "RESOURCE_EXHAUSTED",
      message: "You exceeded your current quota, please check your plan and billing details.",
      details: quota("PredictLongRunningRequestsPerMinutePerProject"),
    },
    "retryable provider_busy",
  ],
  [
    "a day's quota",
    429,
    { status: "RESOURCE_EXHAUSTED", message: "You exceeded your current quota.", details: quota("RequestsPerDay") },
    "fatal provider_locked",
  ],
  ["a spend cap", 429, { status: "RESOURCE_EXHAUSTED", message: "Spend cap reached" }, "fatal provider_locked"],
  ["an overload", 503, { status: "UNAVAILABLE", message: "The model is overloaded" }, "retryable provider_busy"],
  ["an accident", 500, { status: "INTERNAL", message: "oops" }, "retryable provider_error"],
];

for (const [what, code, error, errorClass] of REFUSALS) {
  Deno.test(`a submission refused for ${what} is ${errorClass}, and has not started`, async () => {
    const answer = () => Response.json({ error: { code, ...error } }, { status: code });
    const { send } = internet({ [`${API}/models/${model}:predictLongRunning`]: answer });
    const veo = createVeoAdapter({ key: "secret", fetch: send });
    const refused = await refusalOf(veo.submit({ model, input: {}, startWithinSeconds: 90 }, patient()));
    assert.deepEqual([`${refused.kind} ${refused.code}`, refused.mayHaveStarted], [errorClass, false]);
  });
}

Deno.test("how long Google asks us to wait is in the answer's details, or in its header", async () => {
  const retryInfo = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "38.5s" }];
  for (const [details, headers, seconds] of [[retryInfo, {}, 38], [[], { "Retry-After": "20" }, 20]] as const) {
    const error = { code: 429, status: "RESOURCE_EXHAUSTED", message: "Quota exceeded", details };
    const answer = () => Response.json({ error }, { status: 429, headers });
    const { send } = internet({ [`${API}/models/${model}:predictLongRunning`]: answer });
    const veo = createVeoAdapter({ key: "secret", fetch: send });
    const refused = await refusalOf(veo.submit({ model, input: {}, startWithinSeconds: 90 }, patient()));
    assert.deepEqual(refused.facts, { status: 429, retryAfterSeconds: seconds });
  }
});

async function stateOf(operation: unknown): Promise<RunState> {
  const { send } = internet({ [`${API}/${name}`]: () => Response.json(operation) });
  return await createVeoAdapter({ key: "secret", fetch: send }).check({ model, providerJobId: name }, patient());
}

const done = (generateVideoResponse: unknown) => ({ name, done: true, response: { generateVideoResponse } });
const uri = `${API}/files/xyz:download?alt=media`;

Deno.test("the first video that there is counts", async () => {
  for (const generatedSamples of [[{ video: { uri } }], [{}, { video: { uri } }, { video: { uri: `${uri}2` } }]]) {
    assert.deepEqual(await stateOf(done({ generatedSamples })), { state: "succeeded", media: { video_url: uri } });
  }
});

Deno.test("an operation that is done without a video has not succeeded", async () => {
  const endings = [undefined, null, {}, { generatedSamples: null }, { generatedSamples: [{ video: { uri: "" } }] }];
  for (const ending of endings) {
    const state = await stateOf(done(ending));
    assert.ok(state.state === "failed" && state.error.code === "no_media", JSON.stringify(ending));
  }
});

Deno.test("every error code of google.rpc has a meaning", () => {
  assert.deepEqual([...RPC_CODES.keys()], Array.from({ length: 16 }, (_, index) => index + 1));
});

Deno.test("a failed operation is told by words where its code is too wide", async () => {
  const state = await stateOf({ name, done: true, error: { code: 8, message: "Spend cap reached" } });
  assert.ok(state.state === "failed" && state.error.code === "provider_locked");
});
