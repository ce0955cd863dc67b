// What only fal's submissions have; what all providers must do is in tests/conformance/provider_conformance_test.ts.
import assert from "node:assert/strict";
import { classOf, type ErrorClassText, errorOf, fakeFetch, noTimeout } from "../test_support.ts";
import { createFalAdapter } from "./falai-adapter.ts";

const MODEL = "fal-ai/veo3.1/fast";
const webhookUrl = "https://reelmint.example/functions/v1/provider-webhook/fal?job=1&token=very-secret-token";
const submission = {
  model: MODEL,
  input: { prompt: "a lighthouse", duration: "8s" },
  webhookUrl,
  startWithinSeconds: 90,
};

Deno.test("a submission has the input, the key, the webhook, the start limit and the files' lifetime", async () => {
  const { send, sent } = fakeFetch(() => Response.json({ status: "IN_QUEUE", request_id: "1", queue_position: 0 }));
  const run = await createFalAdapter({ key: "id:secret", fetch: send }).submit(submission, noTimeout());
  assert.deepEqual(run, { model: MODEL, providerJobId: "1" });
  const [request] = sent;
  assert.ok(request && sent.length === 1);
  const { origin, pathname, searchParams } = new URL(request.url);
  assert.deepEqual([request.method, origin, pathname], ["POST", "https://queue.fal.run", `/${MODEL}`]);
  assert.equal(searchParams.get("fal_webhook"), webhookUrl);
  assert.deepEqual(request.body, submission.input);
  const { headers } = request;
  assert.equal(headers.get("authorization"), "Key id:secret");
  assert.equal(headers.get("content-type"), "application/json");
  assert.equal(headers.get("x-fal-request-timeout"), "90");
  assert.equal(headers.get("x-fal-request-start-timeout"), "90");
  assert.equal(headers.get("x-app-fal-disable-fallback"), "true");
  assert.equal(headers.get("x-fal-no-retry"), null);
  const lifetime = headers.get("x-fal-object-lifecycle-preference") ?? "";
  assert.deepEqual(JSON.parse(lifetime), { expiration_duration_seconds: 604_800 });
});

Deno.test("without a webhook the URL has no query, and a start limit too short for the client is raised", async () => {
  const { send, sent } = fakeFetch(() => Response.json({ request_id: "1" }));
  const fal = createFalAdapter({ key: "id:secret", fetch: send });
  await fal.submit({ model: MODEL, input: {}, startWithinSeconds: 0.5 }, noTimeout());
  assert.equal(new URL(sent[0]?.url ?? "").search, "");
  assert.equal(sent[0]?.headers.get("x-fal-request-timeout"), "2");
});

const REFUSALS: [status: number, body: unknown, errorClass: ErrorClassText][] = [
  [400, { detail: "bad timeout header", error_type: "bad_request" }, "rejected provider_rejected_input"],
  [401, { detail: "invalid key" }, "fatal provider_unauthorized"],
  [403, { detail: "User is locked. Reason: Exhausted balance. Top up your balance." }, "fatal provider_locked"],
  [403, { detail: "User is locked. Reason: Admin lock." }, "fatal provider_locked"],
  [403, { detail: "User is locked. Reason: TOP_UP." }, "fatal provider_locked"],
  [403, { detail: "Access to this model is not allowed" }, "rejected provider_unauthorized"],
  [
    403,
    { detail: [{ type: "content_policy_violation", msg: "no", loc: ["body", "prompt"] }] },
    "rejected content_policy",
  ],
  // A text of the user is no lock.
  [403, { detail: [{ type: "blocked", msg: "The user is locked in" }] }, "rejected provider_unauthorized"],
  [403, "<html>The user is locked</html>", "rejected provider_unauthorized"],
  [404, { detail: 'Application "veo9" not found' }, "rejected provider_model_missing"],
  [413, "too large", "rejected provider_rejected_input"],
  [
    422,
    { detail: [{ type: "missing", loc: ["body", "prompt"], msg: "Field required" }] },
    "rejected provider_rejected_input",
  ],
  [422, { detail: "text only" }, "rejected provider_rejected_input"],
  [429, { detail: "queue is full" }, "retryable provider_busy"],
  [500, { detail: "Internal Server Error" }, "retryable provider_error"],
  [503, "<html>nginx</html>", "retryable provider_busy"],
];

for (const [status, body, errorClass] of REFUSALS) {
  Deno.test(`a submission answered ${status} ${JSON.stringify(body)} is ${errorClass}, after one POST`, async () => {
    const { send, sent } = fakeFetch(() => Response.json(body, { status }));
    const error = await errorOf(createFalAdapter({ key: "k", fetch: send }).submit(submission, noTimeout()));
    assert.deepEqual([classOf(error), error.mayHaveStarted, sent.length], [errorClass, false, 1]);
  });
}

Deno.test("fal's client does not send a submission again when the connection breaks", async () => {
  const reset = Object.assign(new Error("connection reset"), { code: "ECONNRESET" });
  const { send, sent } = fakeFetch(() => Promise.reject(new TypeError("fetch failed", { cause: reset })));
  const error = await errorOf(createFalAdapter({ key: "k", fetch: send }).submit(submission, noTimeout()));
  assert.deepEqual([classOf(error), error.mayHaveStarted], ["retryable provider_unreachable", true]);
  assert.equal(sent.length, 1);
});
