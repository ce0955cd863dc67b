import assert from "node:assert/strict";
import fc from "fast-check";
import { KLING, type TestUser, useWorld } from "../support/harness.ts";
import { body, nearlyUuid } from "../support/random-bodies.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld({ falSimulator: { concurrency: 1000 } });

/** Requests under way at a time, and so the number in each case of fast-check's. */
const AT_ONCE = 10;

/** The form of an error answer. */
const CODES: Readonly<Record<number, readonly string[]>> = {
  400: ["idempotency_key_required", "idempotency_key_invalid", "validation_failed", "invalid_json"],
  401: ["unauthorized"],
  402: ["insufficient_credits"],
  403: ["forbidden"],
  404: ["model_not_found", "job_not_found", "node_not_found", "not_found"],
  405: ["method_not_allowed"],
  413: ["payload_too_large"],
  409: ["price_changed", "not_cancellable", "not_shareable"],
  422: ["idempotency_key_reused", "input_missing"],
  429: ["too_many_active_jobs", "rate_limited", "too_many_requests"],
};

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
}

// What fetch lets through: visible Latin-1 without line breaks.
const headerUnit = fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0xa0, max: 0xff }));
const headerValue = fc.string({ unit: headerUnit.map((code) => String.fromCharCode(code)), maxLength: 300 });
const key = fc.oneof(
  { weight: 4, arbitrary: fc.uuid() },
  { weight: 2, arbitrary: fc.constantFrom("one", '"one"', "two") },
  { weight: 1, arbitrary: headerValue },
);
const otherHeaders = fc.dictionary(
  fc.constantFrom("accept-language", "x-request-id", "if-none-match", "content-type", "prefer", "x-forwarded-for"),
  headerValue,
  { maxKeys: 3 },
);

function generateRequest(user: TestUser): fc.Arbitrary<Sent> {
  const authorization = fc.oneof(
    { weight: 30, arbitrary: fc.constant(`Bearer ${user.token}`) },
    { weight: 1, arbitrary: headerValue },
  );
  return fc.record({
    method: fc.constant("POST"),
    path: fc.constant("generate-video"),
    headers: fc.tuple(otherHeaders, fc.option(key, { freq: 20 }), authorization).map(([others, chosen, token]) => ({
      ...others,
      ...(chosen === null ? {} : { "idempotency-key": chosen }),
      authorization: token,
    })),
    body,
  });
}

function statusRequest(user: TestUser, jobId: unknown): fc.Arbitrary<Sent> {
  const value = fc.oneof(
    fc.constantFrom(String(jobId), "node-1", "%00", "%ff%fe", "%ud800", "%", "'; drop table video_jobs; --"),
    nearlyUuid.map((text) => encodeURIComponent(text.toWellFormed())),
    fc.webQueryParameters(),
  );
  const parameter = fc.tuple(fc.constantFrom("job_id", "node_id", "jobId", "limit", "", "job_id[]"), value);
  const query = fc.oneof(
    fc.array(parameter, { maxLength: 3 }).map((pairs) => pairs.map((pair) => pair.join("=")).join("&")),
    fc.webQueryParameters(),
  );
  return fc.record({
    method: fc.oneof({ weight: 20, arbitrary: fc.constant("GET") }, fc.constantFrom("POST", "PUT", "PATCH", "DELETE")),
    path: query.map((text) => `get-video-status?${text}`),
    headers: otherHeaders.map((headers) => ({ ...headers, authorization: `Bearer ${user.token}` })),
  });
}

const ENDPOINTS = [
  "generate-video",
  "get-video-status",
  "videos",
  "transitions",
  "transitions/create-and-generate",
  "transitions/batch-create-and-generate",
  "transitions/task-status",
  "canvas/api/ai/generate-video",
  "canvas/api/ai/jobs",
  "canvas/api/ai/nodes",
  "transitions/api/transitions/create-and-generate",
  "transitions/api/transitions/batch-create-and-generate",
  "transitions/api/transitions/task-status",
  "openv",
  "openv/api/runpod",
  "openv/api/runpod/webhook",
  "openv/api/videos",
  "uploads",
  "share",
  "account",
  "health",
  "advance-jobs",
  "provider-webhook",
  "provider-webhook/fal",
];

/** Any request to any endpoint, as this user or without one. */
function anyRequest(user: TestUser): fc.Arbitrary<Sent> {
  const segment = fc.oneof(
    fc.constantFrom(
      "",
      "...",
      "%2f",
      "%00",
      "%ff",
      "cancel",
      "share",
      "page",
      "A".repeat(32),
      KLING,
      "create-and-generate",
      "fal",
      "a".repeat(2000),
    ),
    // Except those that lead out of the endpoint.
    fc.webSegment().filter((text) => !/^(\.|%2e){1,2}$/i.test(text)),
  );
  const segments = fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(segment, { minLength: 1, maxLength: 3 }) },
  );
  const query = fc.oneof(fc.constant(""), fc.webQueryParameters().map((text) => `?${text}`));
  const authorization = fc.oneof(
    { weight: 4, arbitrary: fc.constant(`Bearer ${user.token}`) },
    { weight: 1, arbitrary: fc.constantFrom("", "Bearer", `Bearer ${user.token},`, `Token ${user.token}`) },
    { weight: 1, arbitrary: headerValue },
  );
  const otherwise = fc.dictionary(
    fc.constantFrom("apikey", "accept", "origin", "range", "x-client-info", "if-none-match", "content-encoding"),
    headerValue,
    { maxKeys: 3 },
  );
  return fc.record({
    method: fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"),
    path: fc.tuple(fc.constantFrom(...ENDPOINTS), segments, query)
      // A user who deletes their account could send no further request.
      .map(([name, more, text]) => [name, ...more].join("/") + text),
    headers: fc.tuple(otherHeaders, otherwise, authorization, fc.option(key))
      .map(([some, others, token, chosen]) => ({
        ...some,
        ...others,
        ...(chosen === null ? {} : { "idempotency-key": chosen }),
        authorization: token,
      })),
    body,
  }).map(({ body, ...request }) =>
    request.method === "GET" || request.method === "HEAD" ? request : { ...request, body }
  )
    .filter(({ method, path }) => !(method === "DELETE" && /^account\/*(\?|$)/.test(path)));
}

/** Sends requests in batches of `AT_ONCE` and hands each batch's answers on. Fails if one has another form. */
async function sendMany(
  request: fc.Arbitrary<Sent>,
  count: number,
  check: (answers: { status: number; body: unknown; replay: boolean }[]) => void = () => {},
): Promise<void> {
  const batch = fc.array(request, { minLength: AT_ONCE, maxLength: AT_ONCE });
  await fc.assert(
    fc.asyncProperty(batch, async (requests) => check(await Promise.all(requests.map(send)))),
    { numRuns: count / AT_ONCE },
  );
}

async function send({ path, ...init }: Sent): Promise<{ status: number; body: unknown; replay: boolean }> {
  const response = await fetch(`${world.url}/functions/v1/${path}`, init);
  const { status, headers } = response;
  const text = await response.text();
  const shown = `${status} ${text}`;
  assert.ok(status < 500, shown);
  assert.equal(headers.get("access-control-allow-origin"), "*", shown);
  if (status === 304 || text === "") return { status, body: null, replay: false };
  const answer = JSON.parse(text);
  if (status !== 200 && status !== 202) {
    assert.ok(CODES[status]?.includes(answer.code), shown);
    assert.ok(typeof answer.error === "string" && answer.error !== "", shown);
    assert.equal(answer.request_id, headers.get("x-request-id"), shown);
    if (answer.code === "validation_failed") assert.ok(Array.isArray(answer.issues) && answer.issues.length > 0, shown);
  }
  return { status, body: answer, replay: headers.has("x-idempotent-replay") };
}

Deno.test("no request to make a video breaks the server, and one that cannot be paid changes nothing", async () => {
  const user = await world.newUser(0);
  const seen = new Set<number>();
  await assertChangesNothing(
    world,
    () => sendMany(generateRequest(user), 2000, (answers) => answers.forEach(({ status }) => seen.add(status))),
  );
  // Not all cases are refused by the first check, and none was accepted.
  assert.ok(seen.has(400) && seen.has(402) && !seen.has(200), [...seen].join(" "));
});

Deno.test("of all requests that the user can pay exactly the accepted ones are charged, once", async () => {
  const user = await world.newUser(1_000_000);
  await world.sql`update app_settings set active_jobs_per_user = 1000000, generations_per_hour = 1000000`;
  const charges = new Map<string, number>();
  await sendMany(generateRequest(user), 600, (answers) => {
    for (const { status, body } of answers) {
      if (status !== 200) continue;
      const { job_id: jobId, credits_used: credits } = Object(body);
      charges.set(jobId, credits);
    }
  });
  const charged = [...charges.values()].reduce((sum, credits) => sum + credits, 0);
  assert.ok(charged > 0);
  assert.equal(await world.balance(user), 1_000_000 - charged);
  const [jobs] = await world.sql`select count(*)::integer as count from video_jobs where user_id = ${user.id}`;
  assert.equal(jobs?.count, charges.size);
  await world.audit();
});

Deno.test("no status request breaks the server, moves credits or shows another user's job", async () => {
  const [owner, stranger] = await Promise.all([world.newUser(20), world.newUser(20)]);
  const body = { model_id: KLING, prompt: "A lighthouse", node_id: "node-1" };
  const { body: { job_id: jobId } } = await world.generate(owner, { body });
  await assertChangesNothing(
    world,
    () =>
      sendMany(statusRequest(stranger, jobId), 1000, (answers) => {
        for (const { status, body } of answers) assert.ok(status >= 400, JSON.stringify(body));
      }),
  );
});

Deno.test("no request to any endpoint breaks the server, and one that cannot be paid makes no video", async () => {
  const user = await world.newUser(0);
  const seen = new Set<number>();
  await sendMany(anyRequest(user), 2000, (answers) => answers.forEach(({ status }) => seen.add(status)));
  for (const status of [200, 204, 400, 401, 404, 405]) assert.ok(seen.has(status), `no ${status} was seen`);
  assert.equal(await world.balance(user), 0);
  assert.equal((await world.sql`select from video_jobs where user_id = ${user.id}`).length, 0);
  await world.audit();
});
