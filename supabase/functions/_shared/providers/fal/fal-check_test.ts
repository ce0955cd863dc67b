// What only fal's checks and cancellations have; what all providers must do is in tests/conformance.
import assert from "node:assert/strict";
import type { VideoProvider } from "../provider.ts";
import { classOf, type ErrorClassText, errorOf, failureOf, fakeFetch, noTimeout } from "../test_support.ts";
import { createFalAdapter } from "./falai-adapter.ts";

const run = { model: "fal-ai/veo3.1/fast", providerJobId: "019e0000-aaaa-7bbb-8ccc-0123456789ab" };

/** The adapter for a queue that answers as the test says, and the requests so far, as `METHOD /path`. */
function connect(answer: (url: string) => Response): { fal: VideoProvider; requests(): string[] } {
  const { send, sent } = fakeFetch(answer);
  return {
    fal: createFalAdapter({ key: "id:secret", fetch: send }),
    requests: () => sent.map(({ method, url }) => `${method} ${new URL(url).pathname}`),
  };
}

const gatewayPage = (status: number) => new Response(`<html><h1>${status}</h1>nginx</html>`, { status });

/** A queue whose run is over and whose result is answered so. */
const completed = (result: () => Response, status: Record<string, unknown> = {}) => (url: string) =>
  url.includes("/status") ? Response.json({ status: "COMPLETED", ...status }) : result();

const LOCKED = { detail: "User is locked. Reason: Exhausted balance. Top up your balance." };

const CHECK_ERRORS: [name: string, answer: () => Response, errorClass: ErrorClassText][] = [
  ["400", () => Response.json({ detail: "bad" }, { status: 400 }), "retryable provider_rejected_input"],
  ["a locked account", () => Response.json(LOCKED, { status: 403 }), "fatal provider_locked"],
  [
    "404 for the route",
    () => Response.json({ detail: "Not Found" }, { status: 404 }),
    "retryable provider_model_missing",
  ],
];

for (const [name, answer, errorClass] of CHECK_ERRORS) {
  Deno.test(`a check answered with ${name} throws ${errorClass}, after one GET`, async () => {
    const { fal, requests } = connect(answer);
    assert.equal(classOf(await errorOf(fal.check(run, noTimeout()))), errorClass);
    assert.deepEqual(requests(), [`GET /fal-ai/veo3.1/requests/${run.providerJobId}/status`]);
  });
}

Deno.test("a run whose result fal no longer knows has expired", async () => {
  const { fal } = connect(completed(() => Response.json({ status: "NOT_FOUND" }, { status: 404 })));
  assert.equal(classOf(failureOf(await fal.check(run, noTimeout()))), "rejected result_expired");
});

const RESULT_ERRORS: [name: string, answer: () => Response, errorClass: ErrorClassText][] = [
  ["a gateway's 500", () => gatewayPage(500), "retryable provider_error"],
  ["a gateway's 502", () => gatewayPage(502), "retryable provider_error"],
  ["503 in plain text", () => Response.json({ detail: "busy" }, { status: 503 }), "retryable provider_busy"],
  ["a gateway's 504", () => gatewayPage(504), "retryable provider_timeout"],
  ["429", () => Response.json({ detail: "slow down" }, { status: 429 }), "retryable provider_busy"],
  ["401", () => Response.json({ detail: "bad key" }, { status: 401 }), "fatal provider_unauthorized"],
  ["a locked account", () => Response.json(LOCKED, { status: 403 }), "fatal provider_locked"],
];

for (const [name, answer, errorClass] of RESULT_ERRORS) {
  Deno.test(`a result answered with ${name} throws after one GET, unless the status reported a failure`, async () => {
    const { fal, requests } = connect(completed(answer));
    assert.equal(classOf(await errorOf(fal.check(run, noTimeout()))), errorClass);
    assert.equal(requests().length, 2);
    const failed = connect(completed(answer, { error: "gone", error_type: "runner_disconnected" }));
    assert.equal(classOf(failureOf(await failed.fal.check(run, noTimeout()))), "retryable provider_error");
  });
}

Deno.test("a result that is requested too early leaves the run running", async () => {
  const early = [
    () => Response.json({ detail: "Request is still in progress" }, { status: 400 }),
    () => Response.json({ status: "IN_PROGRESS" }, { status: 202 }),
  ];
  for (const answer of early) {
    const { fal } = connect(completed(answer));
    assert.deepEqual(await fal.check(run, noTimeout()), { state: "running", percent: null });
  }
});

const URL_1 = "https://v3b.fal.media/files/b/1.bin";
const URL_2 = "https://v3b.fal.media/files/b/2.bin";
const OUTPUTS: [output: unknown, media: Record<string, string>][] = [
  [{ video: { url: URL_1, content_type: null, file_size: "?" } }, { video_url: URL_1 }],
  [{ video: URL_1 }, { video_url: URL_1 }],
  [
    { video_url: URL_1, thumbnail_url: URL_2 },
    { video_url: URL_1, thumbnail_url: URL_2 },
  ],
  [{ videos: [null, { url: URL_1 }] }, { video_url: URL_1 }],
  [
    { video: { url: URL_1 }, video_id: "x", thumbnail: { url: URL_2 }, spritesheet: null },
    { video_url: URL_1, thumbnail_url: URL_2 },
  ],
  [{ images: [{ url: URL_1, width: null }] }, { image_url: URL_1 }],
  [{ audio: { url: URL_1 }, seed: 1 }, { audio_url: URL_1 }],
  [{ audio_file: { url: URL_1 } }, { audio_url: URL_1 }],
  [{ audio_url: URL_1, video: 7 }, { audio_url: URL_1 }],
];

for (const [output, media] of OUTPUTS) {
  Deno.test(`the media of ${JSON.stringify(output)} are found`, async () => {
    const { fal } = connect(completed(() => Response.json(output)));
    assert.deepEqual(await fal.check(run, noTimeout()), { state: "succeeded", media });
  });
}

const OUTPUTS_WITHOUT_MEDIA = [
  {},
  [],
  null,
  "text",
  { video: null },
  { video: { url: "" } },
  { videos: [] },
  { images: "no" },
  { audio: { url: "data:audio/wav;base64,UklGRg==" } },
  { video: { url: "file:///etc/passwd" } },
];

for (const output of OUTPUTS_WITHOUT_MEDIA) {
  Deno.test(`a success with ${JSON.stringify(output)} is a failure without media`, async () => {
    const { fal } = connect(completed(() => Response.json(output)));
    assert.equal(classOf(failureOf(await fal.check(run, noTimeout()))), "rejected no_media");
  });
}

Deno.test("only the first two parts of a model's id, or three in a workflow's, lead to its requests", async () => {
  const { fal, requests } = connect(() => Response.json({ status: "IN_PROGRESS" }));
  await fal.check({ model: "fal-ai/kling-video/v3/pro/image-to-video", providerJobId: "a" }, noTimeout());
  await fal.check({ model: "workflows/acme/flow/x", providerJobId: "b/../c" }, noTimeout());
  assert.deepEqual(requests(), [
    "GET /fal-ai/kling-video/requests/a/status",
    "GET /workflows/acme/flow/requests/b%2F..%2Fc/status",
  ]);
});

const CANCELLATIONS: [status: number, body: unknown, stopped: boolean][] = [
  [202, { status: "CANCELLATION_REQUESTED" }, true],
  [200, { status: "OK" }, true],
  [200, { success: true }, true],
  [200, "not json", true],
  [400, { status: "ALREADY_COMPLETED" }, false],
  [404, { status: "NOT_FOUND" }, false],
];

for (const [status, body, stopped] of CANCELLATIONS) {
  const outcome = stopped ? "is accepted" : "came too late";
  Deno.test(`a cancellation answered ${status} ${JSON.stringify(body)} ${outcome}`, async () => {
    const { fal, requests } = connect(() =>
      typeof body === "string" ? new Response(body, { status }) : Response.json(body, { status })
    );
    assert.equal(await fal.cancel(run, noTimeout()), stopped);
    assert.deepEqual(requests(), [`PUT /fal-ai/veo3.1/requests/${run.providerJobId}/cancel`]);
  });
}

Deno.test("a cancellation answered 400 without fal's reason throws, after one request", async () => {
  const { fal, requests } = connect(() => gatewayPage(400));
  await errorOf(fal.cancel(run, noTimeout()));
  assert.equal(requests().length, 1);
});
