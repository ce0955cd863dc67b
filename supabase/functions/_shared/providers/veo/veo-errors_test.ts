// The errors of the Gemini API and of finished operations.
import assert from "node:assert/strict";
import type { ProviderError } from "../provider.ts";
import { classOf, type ErrorClassText, errorOf, failureOf, fakeFetch, noTimeout } from "../test_support.ts";
import { createVeoAdapter } from "./veo-adapter.ts";
import { RPC_CODES } from "./veo-errors.ts";

const model = "veo-3.1-fast-generate-preview";

/** The error of a submission that is answered so. */
async function refusalWith(answer: Response): Promise<ProviderError> {
  const veo = createVeoAdapter({ key: "secret", fetch: fakeFetch(() => answer).send });
  return await errorOf(veo.submit({ model, input: {}, startWithinSeconds: 90 }, noTimeout()));
}

const info = (reason: string) => [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason }];
const quota = (id: string) => [{ violations: [{ quotaId: id }] }];

const REFUSALS: [what: string, code: number, error: Record<string, unknown>, errorClass: ErrorClassText][] = [
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
    const refused = await refusalWith(Response.json({ error: { code, ...error } }, { status: code }));
    assert.deepEqual([classOf(refused), refused.mayHaveStarted], [errorClass, false]);
  });
}

Deno.test("how long Google asks us to wait is in the answer's details, or in its header", async () => {
  const retryInfo = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "38.5s" }];
  for (const [details, headers, seconds] of [[retryInfo, {}, 38], [[], { "Retry-After": "20" }, 20]] as const) {
    const error = { code: 429, status: "RESOURCE_EXHAUSTED", message: "Quota exceeded", details };
    const refused = await refusalWith(Response.json({ error }, { status: 429, headers }));
    assert.deepEqual(refused.facts, { status: 429, retryAfterSeconds: seconds });
  }
});

Deno.test("every error code of google.rpc has a class", () => {
  assert.deepEqual([...RPC_CODES.keys()], Array.from({ length: 16 }, (_, index) => index + 1));
});

Deno.test("the text of a failed operation counts where its code has several meanings", async () => {
  const name = `models/${model}/operations/abc123`;
  const failed = { name, done: true, error: { code: 8, message: "Spend cap reached" } };
  const veo = createVeoAdapter({ key: "secret", fetch: fakeFetch(() => Response.json(failed)).send });
  assert.equal(failureOf(await veo.check({ model, providerJobId: name }, noTimeout())).code, "provider_locked");
});
