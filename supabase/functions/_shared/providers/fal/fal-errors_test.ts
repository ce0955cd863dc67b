// The table of fal's error types, and how a finished run's result becomes an error.
import assert from "node:assert/strict";
import { classOf, type ErrorClassText, failureOf, fakeFetch, noTimeout } from "../test_support.ts";
import type { ProviderError } from "../provider.ts";
import { FAL_ERROR_TYPES } from "./fal-errors.ts";
import { createFalAdapter } from "./falai-adapter.ts";

const run = { model: "fal-ai/veo3.1/fast", providerJobId: "1" };

/** The error of a completed run whose result is answered so. */
async function failureWith(result: () => Response, status: Record<string, unknown> = {}): Promise<ProviderError> {
  const { send, sent } = fakeFetch((url) =>
    url.includes("/status") ? Response.json({ status: "COMPLETED", ...status }) : result()
  );
  const error = failureOf(await createFalAdapter({ key: "k", fetch: send }).check(run, noTimeout()));
  assert.equal(sent.length, 2);
  return error;
}

const PLATFORM_STATUSES: Record<string, number> = {
  request_timeout: 504,
  startup_timeout: 504,
  runner_scheduling_failure: 503,
  runner_connection_timeout: 503,
  runner_disconnected: 503,
  runner_connection_refused: 503,
  runner_connection_error: 503,
  runner_incomplete_response: 502,
  runner_server_error: 500,
  internal_error: 500,
  client_disconnected: 499,
  client_cancelled: 499,
  bad_request: 400,
};

const MODEL_STATUSES: Record<string, number> = {
  internal_server_error: 500,
  generation_timeout: 504,
  downstream_service_error: 400,
  downstream_service_unavailable: 500,
};

const EXPECTED_TYPES: Record<string, string> = {
  "retryable provider_error": `internal_server_error downstream_service_error runner_disconnected
    runner_connection_refused runner_connection_error runner_incomplete_response runner_server_error internal_error`,
  "retryable provider_timeout": "generation_timeout request_timeout startup_timeout runner_connection_timeout",
  "retryable provider_busy": "downstream_service_unavailable runner_scheduling_failure concurrent_requests_limit",
  "rejected content_policy": "content_policy_violation",
  "rejected no_media": "no_media_generated",
  "rejected cancelled_by_provider": "client_disconnected client_cancelled",
  "rejected image_rejected":
    "image_too_small image_too_large image_load_error face_detection_error unsupported_image_format",
  "rejected provider_rejected_input":
    `file_download_error file_too_large greater_than greater_than_equal less_than less_than_equal multiple_of
    sequence_too_short sequence_too_long one_of feature_not_supported invalid_archive
    archive_file_count_below_minimum archive_file_count_exceeds_maximum audio_duration_too_long
    audio_duration_too_short video_duration_too_long video_duration_too_short unsupported_audio_format
    unsupported_video_format bad_request`,
};

const expectedTypes = Object.entries(EXPECTED_TYPES).flatMap(([errorClass, types]) =>
  types.split(/\s+/).map((type): [string, string] => [type, errorClass])
);

Deno.test("every documented error type has the class that the table of this test says", () => {
  const actual = [...FAL_ERROR_TYPES].map(([type, { kind, code }]): [string, string] => [type, `${kind} ${code}`]);
  assert.deepEqual(new Map(actual), new Map(expectedTypes));
});

for (const [type, errorClass] of expectedTypes) {
  // Only an answer to direct calls, never the failure of a run: https://fal.ai/docs/errors.
  if (type === "concurrent_requests_limit") continue;
  Deno.test(`a run that failed with ${type} is ${errorClass}`, async () => {
    const platform = PLATFORM_STATUSES[type];
    const error = platform === undefined
      ? await failureWith(() =>
        Response.json({ detail: [{ loc: ["body"], msg: "words", type }] }, { status: MODEL_STATUSES[type] ?? 422 })
      )
      : await failureWith(
        () => Response.json({ detail: "words", error_type: type }, { status: platform }),
        { error: "words", error_type: type },
      );
    assert.equal(classOf(error), errorClass);
    assert.match(error.detail, new RegExp(`${type}.*words`));
  });
}

type Answer = [status: number, body: unknown, headers?: Record<string, string>];

const RESULTS: [name: string, answer: Answer, errorClass: ErrorClassText][] = [
  [
    "an unlisted 422 type",
    [422, { detail: [{ type: "value_error", msg: "no" }] }],
    "rejected provider_rejected_input",
  ],
  [
    "an image that fal could not fetch",
    [422, { detail: [{ type: "file_download_error", loc: ["body", "start_image_url"], msg: "no" }] }],
    "rejected image_rejected",
  ],
  [
    "an image frame that is too large",
    [422, { detail: [{ type: "file_too_large", loc: ["body", "last_frame_url"], msg: "no" }] }],
    "rejected image_rejected",
  ],
  [
    "a sound that fal could not fetch",
    [422, { detail: [{ type: "file_download_error", loc: ["body", "audio_url"], msg: "no" }] }],
    "rejected provider_rejected_input",
  ],
  ["a 422 in words", [422, { detail: "no" }], "rejected provider_rejected_input"],
  ["a 500 in words", [500, { detail: "boom" }], "retryable provider_error"],
  ["an unlisted 500 type", [500, { detail: [{ type: "out_of_memory" }] }], "retryable provider_error"],
  [
    "a second, listed type",
    [422, { detail: [{ type: "value_error" }, { type: "content_policy_violation" }] }],
    "rejected content_policy",
  ],
  [
    "X-Fal-Needs-Retry: 0",
    [500, detail("internal_server_error"), { "X-Fal-Needs-Retry": "0" }],
    "rejected provider_error",
  ],
  [
    "X-Fal-Needs-Retry: 1",
    [500, detail("internal_server_error"), { "X-Fal-Needs-Retry": "1" }],
    "retryable provider_error",
  ],
  [
    "X-Fal-Retryable: false",
    [504, detail("generation_timeout"), { "X-Fal-Retryable": "false" }],
    "rejected provider_timeout",
  ],
  [
    "X-Fal-Retryable: true",
    [504, detail("generation_timeout"), { "X-Fal-Retryable": "true" }],
    "retryable provider_timeout",
  ],
  [
    "a retry asked for an unlisted 422",
    [422, detail("flaky"), { "X-Fal-Needs-Retry": "1" }],
    "retryable provider_error",
  ],
  [
    "a retry asked for a policy violation",
    [422, detail("content_policy_violation"), { "X-Fal-Needs-Retry": "1" }],
    "rejected content_policy",
  ],
  ["the type in a header only", [500, {}, { "X-Fal-Error-Type": "internal_error" }], "retryable provider_error"],
  [
    "our start limit",
    [504, { detail: "late", error_type: "request_timeout" }, { "X-Fal-Request-Timeout-Type": "user" }],
    "rejected provider_timeout",
  ],
  [
    "a path that the model does not have",
    [404, { detail: "Path /slow not found" }],
    "rejected provider_model_missing",
  ],
];

function detail(type: string): unknown {
  return { detail: [{ type, loc: ["body", 0], msg: "words" }] };
}

for (const [name, [status, body, headers], errorClass] of RESULTS) {
  Deno.test(`a completed run whose result is ${name} has failed as ${errorClass}`, async () => {
    const error = await failureWith(() => Response.json(body, { status, headers: headers ?? {} }));
    assert.deepEqual([classOf(error), error.mayHaveStarted], [errorClass, false]);
  });
}

Deno.test("the result says more than the status, and decides", async () => {
  const result = () => Response.json(detail("content_policy_violation"), { status: 422 });
  assert.equal((await failureWith(result, { error: "Invalid status code: 422" })).code, "content_policy");
});
