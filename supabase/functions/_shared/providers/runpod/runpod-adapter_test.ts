// What only RunPod has; what all providers must do is in tests/conformance/provider_conformance_test.ts.
import assert from "node:assert/strict";
import type { RunState, VideoProvider } from "../provider.ts";
import {
  classOf,
  type ErrorClassText,
  errorOf,
  failureOf,
  fakeFetch,
  noTimeout,
  type SentRequest,
} from "../test_support.ts";
import { createRunpodAdapter } from "./runpod-adapter.ts";

const run = { model: "abc123xyz", providerJobId: "run-u1" };

/** The adapter for a RunPod that answers as the test says, and the requests to it. */
function connect(answer: () => Response): { runpod: VideoProvider; sent: SentRequest[] } {
  const { send, sent } = fakeFetch(answer);
  return { runpod: createRunpodAdapter({ key: "secret", mediaHosts: ["files.example"], fetch: send }), sent };
}

async function stateOf(status: unknown): Promise<RunState> {
  return await connect(() => Response.json(status)).runpod.check(run, noTimeout());
}

Deno.test("a submission has the input, the webhook, and the limits of start and run", async () => {
  const { runpod, sent } = connect(() => Response.json({ id: "run-u1", status: "IN_QUEUE" }));
  const webhookUrl = "https://us.example/functions/v1/provider-webhook/runpod?token=1";
  const input = { positive_prompt: "A lighthouse", num_frames: 81 };
  const submission = { model: "abc123xyz", input, webhookUrl, startWithinSeconds: 90.5 };
  assert.deepEqual(await runpod.submit(submission, noTimeout()), run);
  assert.equal(`${sent[0]?.method} ${sent[0]?.url}`, "POST https://api.runpod.ai/v2/abc123xyz/run");
  assert.equal(sent[0]?.headers.get("authorization"), "Bearer secret");
  assert.deepEqual(sent[0]?.body, {
    input,
    webhook: webhookUrl,
    policy: { executionTimeout: 1_800_000, ttl: 1_891_000 },
  });
});

Deno.test("a submission without a webhook names none, and its ttl is one that RunPod accepts", async () => {
  for (const [startWithinSeconds, ttl] of [[0, 1_800_000], [30 * 86_400, 604_800_000]] as const) {
    const { runpod, sent } = connect(() => Response.json({ id: "run-u1" }));
    await runpod.submit({ model: "abc123xyz", input: {}, startWithinSeconds }, noTimeout());
    assert.deepEqual(sent[0]?.body, { input: {}, policy: { executionTimeout: 1_800_000, ttl } });
  }
});

Deno.test("ids are one segment of a path, whatever is in them", async () => {
  const { runpod, sent } = connect(() => Response.json({ status: "CANCELLED" }));
  const strange = { model: "../v1/abc", providerJobId: "a/b?c" };
  await runpod.check(strange, noTimeout());
  assert.equal(await runpod.cancel(strange, noTimeout()), true);
  assert.deepEqual(sent.map(({ method, url }) => `${method} ${url}`), [
    "GET https://api.runpod.ai/v2/..%2Fv1%2Fabc/status/a%2Fb%3Fc",
    "POST https://api.runpod.ai/v2/..%2Fv1%2Fabc/cancel/a%2Fb%3Fc",
  ]);
});

const VIDEO = "https://files.example/1.mp4";
const JPG = "https://files.example/1.jpg";

const OUTPUTS: [output: unknown, media: Record<string, string>][] = [
  [VIDEO, { video_url: VIDEO }],
  [{ video_url: VIDEO, thumbnail_url: JPG }, { video_url: VIDEO, thumbnail_url: JPG }],
  [{ video: { url: VIDEO }, thumbnail: { url: JPG } }, { video_url: VIDEO, thumbnail_url: JPG }],
  [{ video: VIDEO }, { video_url: VIDEO }],
  [{ url: VIDEO, thumbnail_url: JPG }, { video_url: VIDEO, thumbnail_url: JPG }],
  [{ output: VIDEO }, { video_url: VIDEO }],
  [{ output: { video_url: VIDEO } }, { video_url: VIDEO }],
  [{ videos: [VIDEO] }, { video_url: VIDEO }],
  [{ videos: [{ url: VIDEO }, { url: "https://files.example/2.mp4" }] }, { video_url: VIDEO }],
  [[{ message: "done" }, { video_url: VIDEO }], { video_url: VIDEO }],
  [{ video_url: VIDEO, url: "https://files.example/2.mp4" }, { video_url: VIDEO }],
  [{ video_url: VIDEO, error: null }, { video_url: VIDEO }],
  // OpenV's published worker: https://github.com/runpod/openv, docs/api.md.
  [{ result: VIDEO, status: "DONE" }, { video_url: VIDEO }],
  [{ message: VIDEO }, { video_url: VIDEO }],
  [{ result: { video_url: VIDEO, thumbnail_url: JPG } }, { video_url: VIDEO, thumbnail_url: JPG }],
  [{ message: "done", result: VIDEO }, { video_url: VIDEO }],
];

for (const [output, media] of OUTPUTS) {
  Deno.test(`the media of ${JSON.stringify(output)} are found`, async () => {
    assert.deepEqual(await stateOf({ status: "COMPLETED", output }), { state: "succeeded", media });
  });
}

for (
  const output of [
    undefined,
    null,
    "",
    "done",
    5,
    [],
    {},
    { video: "AAAAIGZ0eXBpc29t" },
    { video: "data:video/mp4;base64,AAAA" },
    { video_url: "file:///workspace/1.mp4" },
    { video_base64: "AAAA" },
    { result: "done", message: "see the bucket" },
  ]
) {
  Deno.test(`there are no media in ${JSON.stringify(output)}`, async () => {
    assert.equal(classOf(failureOf(await stateOf({ status: "COMPLETED", output }))), "rejected no_media");
  });
}

Deno.test("the example status in OpenV's documentation is a video", async () => {
  const state = await stateOf({
    delayTime: 970,
    executionTime: 62414,
    id: "642467d2-b20f-45b8-bd3a-be7b8774a922-e1",
    output: {
      result: "https://utfs.io/f/8673924a-60cb-4422-8ee4-cc18e69feb44-629bfi.mp4",
      status: "DONE",
    },
    status: "COMPLETED",
    workerId: "gzbl9llf0c80n4",
  });
  const video_url = "https://utfs.io/f/8673924a-60cb-4422-8ee4-cc18e69feb44-629bfi.mp4";
  assert.deepEqual(state, { state: "succeeded", media: { video_url } });
});

Deno.test("a model's row may name the path of its video, and then nothing else counts", async () => {
  const output = { video_url: "https://files.example/preview.mp4", files: [{ href: VIDEO }], constructor: {} };
  const { runpod } = connect(() => Response.json({ status: "COMPLETED", output }));
  const stateAt = (outputPath: string) => runpod.check({ ...run, outputPath }, noTimeout());
  assert.deepEqual(await stateAt("files.0.href"), { state: "succeeded", media: { video_url: VIDEO } });
  for (const path of ["files", "files.1.href", "video_url.length", "constructor.name", "toString", ""]) {
    assert.equal(failureOf(await stateAt(path)).code, "no_media", path);
  }
});

Deno.test("an exception that OpenV's worker reports as its result is a failure of the handler", async () => {
  const output = { result: "FAILED: CUDA out of memory" };
  const error = failureOf(await stateOf({ status: "COMPLETED", output }));
  assert.equal(classOf(error), "retryable provider_error");
  assert.match(error.detail, /CUDA out of memory/);
});

const FAILURES: [error: unknown, errorClass: ErrorClassText][] = [
  ["Traceback (most recent call last): torch.OutOfMemoryError: CUDA out of memory", "retryable provider_error"],
  ["Unexpected input. fps is not a valid input option.", "rejected provider_rejected_input"],
  ["prompt is a required input.", "rejected provider_rejected_input"],
  [["width should be <class 'int'> type, not <class 'str'>."], "rejected provider_rejected_input"],
  ["PIL.UnidentifiedImageError: cannot identify image file <_io.BytesIO object>", "rejected image_rejected"],
  [{ message: "NSFW content detected" }, "rejected content_policy"],
  ["Blocked by the safety checker", "rejected content_policy"],
  ["Websocket timed out", "retryable provider_timeout"],
  [undefined, "retryable provider_error"],
  [null, "retryable provider_error"],
];

for (const [error, errorClass] of FAILURES) {
  Deno.test(`a handler that failed with ${JSON.stringify(error)} is ${errorClass}`, async () => {
    for (const status of [{ status: "FAILED", error }, { status: "FAILED", output: { error } }]) {
      assert.equal(classOf(failureOf(await stateOf(status))), errorClass);
    }
  });
}

Deno.test("a failure's text goes to the log as one line of at most 500 characters", async () => {
  const { detail } = failureOf(await stateOf({ status: "FAILED", error: `Traceback:\n  ${"line ".repeat(1000)}` }));
  assert.ok(detail.length <= 500 && !detail.includes("\n"));
});

const REFUSALS: [status: number, body: unknown, onSubmit: ErrorClassText, onCheck: ErrorClassText][] = [
  [
    400,
    { error: "input is required" },
    "rejected provider_rejected_input",
    "retryable provider_rejected_input",
  ],
  [401, { error: "Unauthorized" }, "fatal provider_unauthorized", "fatal provider_unauthorized"],
  [403, { error: "Insufficient balance" }, "fatal provider_locked", "fatal provider_locked"],
  [
    403,
    { error: "This key may not use this endpoint" },
    "rejected provider_unauthorized",
    "retryable provider_unauthorized",
  ],
  [402, { error: "Payment required" }, "fatal provider_locked", "fatal provider_locked"],
  // An error that quotes a prompt must not open the circuit.
  [
    400,
    { error: "bad prompt: a balance act" },
    "rejected provider_rejected_input",
    "retryable provider_rejected_input",
  ],
  [404, { message: "Not Found" }, "rejected provider_model_missing", "retryable provider_model_missing"],
  [429, { error: "Too many requests" }, "retryable provider_busy", "retryable provider_busy"],
  [500, { error: "Internal" }, "retryable provider_error", "retryable provider_error"],
];

for (const [status, body, onSubmit, onCheck] of REFUSALS) {
  Deno.test(`${status} ${JSON.stringify(body)} is ${onSubmit} on a submission and ${onCheck} on a check`, async () => {
    const { runpod } = connect(() => Response.json(body, { status }));
    const submission = { model: "abc123xyz", input: {}, startWithinSeconds: 90 };
    assert.equal(classOf(await errorOf(runpod.submit(submission, noTimeout()))), onSubmit);
    assert.equal(classOf(await errorOf(runpod.check(run, noTimeout()))), onCheck);
  });
}

Deno.test("a cancellation that came too late returns false", async () => {
  for (const status of ["COMPLETED", "FAILED", "TIMED_OUT"]) {
    assert.equal(await connect(() => Response.json({ id: "1", status })).runpod.cancel(run, noTimeout()), false);
  }
  const refused = connect(() => Response.json({ error: "job is not running" }, { status: 400 }));
  assert.equal(await refused.runpod.cancel(run, noTimeout()), false);
});
