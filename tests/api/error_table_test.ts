import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readClaims, signToken } from "../../local/supabase/tokens.ts";
import { KLING, SORA, type TestUser, useWorld } from "../support/harness.ts";
import {
  assertCommonHeaders,
  assertKeyIsFree,
  assertRefusal,
  assertRefusedFreely,
  GOOD_BODY,
  postRaw,
  type Refusal,
} from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld();

const UNAUTHORIZED: Refusal = { status: 401, code: "unauthorized", error: "Unauthorized" };
const JOB_NOT_FOUND: Refusal = { status: 404, code: "job_not_found", error: "Job not found" };
const TOO_LARGE: Refusal = { status: 413, code: "payload_too_large" };
const BODY_LIMIT = 65_536;

/** Tokens that must not be accepted as the user's, by what is wrong with them. */
function badCredentials(user: TestUser): Record<string, HeadersInit> {
  const { signingKey } = world;
  const claims = readClaims(user.token);
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = [{ alg: "none", typ: "JWT", kid: signingKey.kid }, claims].map(encode).join(".");
  const now = Math.floor(Date.now() / 1000);
  return {
    "no credentials": {},
    "only the app's own key": { apikey: world.publishableKey },
    "garbage": bearer("garbage"),
    "an empty token": { Authorization: "Bearer" },
    "another scheme": { Authorization: `Basic ${user.token}` },
    "the publishable key as token": bearer(world.publishableKey),
    "the secret key as token": bearer(world.secretKey),
    "an expired token": bearer(signToken({ ...claims, iat: now - 7200, exp: now - 3600 }, signingKey)),
    "a token from the future": bearer(signToken({ ...claims, nbf: now + 3600 }, signingKey)),
    "the right key id and another secret": bearer(signToken(claims, { ...signingKey, secret: "another secret" })),
    "an unknown key id": bearer(signToken(claims, { ...signingKey, kid: crypto.randomUUID() })),
    "alg none without a signature": bearer(`${unsigned}.`),
    "alg none with the signature of the true token": bearer(`${unsigned}.${user.token.split(".")[2]}`),
    "another user's id under the old signature": bearer(
      user.token.replace(/\.[^.]+\./, `.${encode({ ...claims, sub: crypto.randomUUID() })}.`),
    ),
    "a service role's token": bearer(signToken({ ...claims, role: "service_role" }, signingKey)),
    "an anonymous role's token": bearer(signToken({ ...claims, role: "anon" }, signingKey)),
    "a token without a user": bearer(signToken({ ...claims, sub: undefined }, signingKey)),
    "a token of another issuer": bearer(signToken({ ...claims, iss: "https://id.example" }, signingKey)),
    "a user id that is no UUID": bearer(signToken({ ...claims, sub: "somebody" }, signingKey)),
  };
}

Deno.test("credentials that are not a user's own token are 401, on both endpoints", async () => {
  const user = await world.newUser(20);
  const { body: { job_id: jobId } } = await world.generate(user, { body: GOOD_BODY });
  for (const [problem, headers] of Object.entries(badCredentials(user))) {
    const key = crypto.randomUUID();
    const answers = await assertChangesNothing(world, async () => [
      await world.call("generate-video", { headers: { "Idempotency-Key": key, ...headers }, body: GOOD_BODY }),
      await world.call(`get-video-status?job_id=${jobId}`, { method: "GET", headers }),
    ]);
    for (const answer of answers) {
      assert.equal(answer.status, 401, problem);
      assertRefusal(answer, UNAUTHORIZED);
    }
  }
});

Deno.test("the token of a user who has just called is refused with another signature", async () => {
  const user = await world.newUser(20);
  const { body: { job_id: jobId } } = await world.generate(user, { body: GOOD_BODY });
  const [header, claims] = user.token.split(".");
  const forged = `${header}.${claims}.${signToken({ sub: user.id }, world.signingKey).split(".")[2]}`;
  assertRefusal(await world.status({ ...user, token: forged }, jobId), UNAUTHORIZED);
  assert.equal((await world.status(user, jobId)).status, 200);
});

Deno.test("a key that was refused for its token can be used with the right one", async () => {
  const user = await world.newUser(20);
  const key = crypto.randomUUID();
  assertRefusal(await world.generate({ ...user, token: "garbage" }, { key }), UNAUTHORIZED);
  await assertKeyIsFree(world, user, key);
});

Deno.test("the token of a deleted user makes no video", async () => {
  const user = await world.newUser(20);
  await world.sql`delete from auth.users where id = ${user.id}`;
  assertRefusal(await assertChangesNothing(world, () => world.generate(user)), UNAUTHORIZED);
});

Deno.test("credentials are checked before anything that the request says", async () => {
  const answer = await world.call("generate-video", { body: "not JSON" });
  assertRefusal(answer, UNAUTHORIZED);
});

Deno.test("the worker is called with the secret key only", async () => {
  const user = await world.newUser(20);
  const strangers: HeadersInit[] = [
    {},
    { apikey: world.publishableKey },
    { Authorization: `Bearer ${user.token}` },
    { apikey: `${world.secretKey}x` },
  ];
  for (const headers of strangers) assertRefusal(await world.call("advance-jobs", { headers }), UNAUTHORIZED);
  assert.equal((await world.call("advance-jobs", { headers: { apikey: world.secretKey } })).status, 200);
});

Deno.test("a user_id that is not the token's user is 403", async () => {
  const [user, other] = await Promise.all([world.newUser(20), world.newUser(20)]);
  await assertRefusedFreely(world, user, { body: { ...GOOD_BODY, user_id: other.id } }, {
    status: 403,
    code: "forbidden",
  });
});

Deno.test("the token's own user_id is accepted, in any case", async () => {
  const user = await world.newUser(20);
  for (const userId of [user.id, user.id.toUpperCase()]) {
    const answer = await world.generate(user, { body: { ...GOOD_BODY, user_id: userId } });
    assert.equal(answer.status, 200);
  }
});

Deno.test("too few credits are 402 with the balance and the price", async () => {
  const user = await world.newUser(4);
  await assertRefusedFreely(world, user, {}, {
    status: 402,
    code: "insufficient_credits",
    error: "Insufficient credits",
    fields: { current_credits: 4, required_credits: 5 },
  });
});

Deno.test("a model that is unknown or not available is 404", async () => {
  const user = await world.newUser(20);
  for (const model of [crypto.randomUUID(), SORA]) {
    await assertRefusedFreely(world, user, { body: { ...GOOD_BODY, model_id: model } }, {
      status: 404,
      code: "model_not_found",
      error: "Model not found",
    });
  }
});

Deno.test("an unknown job and another user's job get the same 404", async () => {
  const [owner, stranger] = await Promise.all([world.newUser(20), world.newUser(20)]);
  const { body: { job_id: jobId } } = await world.generate(owner, { body: { ...GOOD_BODY, node_id: "node-1" } });
  const answers = await assertChangesNothing(world, async () => [
    await world.status(stranger, jobId),
    await world.status(stranger, crypto.randomUUID()),
    await world.call("get-video-status?node_id=node-1", { method: "GET", user: stranger }),
    await world.call("get-video-status?node_id=nowhere", { method: "GET", user: stranger }),
  ]);
  for (const answer of answers) assertRefusal(answer, JOB_NOT_FOUND);
  assert.equal(new Set(answers.map(({ body }) => JSON.stringify({ ...body, request_id: null }))).size, 1);
  assert.equal((await world.status(owner, jobId)).status, 200);
});

Deno.test("a method that an endpoint does not have is 405 with the allowed ones", async () => {
  const user = await world.newUser(20);
  const others = {
    "generate-video": { allow: "POST, OPTIONS", methods: ["GET", "PUT", "PATCH", "DELETE"] },
    "get-video-status": { allow: "GET, OPTIONS", methods: ["POST", "PUT", "PATCH", "DELETE"] },
  };
  for (const [path, { allow, methods }] of Object.entries(others)) {
    for (const method of methods) {
      const answer = await assertChangesNothing(world, () => world.call(path, { method, user }));
      assertRefusal(answer, { status: 405, code: "method_not_allowed", headers: { Allow: allow } });
    }
  }
  // Where GET is served, HEAD is.
  const head = await world.call("generate-video", { method: "HEAD", user });
  assert.deepEqual([head.status, head.headers.get("allow")], [405, "POST, OPTIONS"]);
  assert.equal((await world.call("get-video-status", { method: "HEAD", user })).status, 400);
});

Deno.test("a body over 64 KiB is 413 whether or not it says its length", async () => {
  const user = await world.newUser(20);
  const bytes = new TextEncoder().encode(JSON.stringify(GOOD_BODY).padEnd(BODY_LIMIT + 1));
  const bodies = { declared: bytes, chunked: ReadableStream.from([bytes.slice(0, 40_000), bytes.slice(40_000)]) };
  for (const body of Object.values(bodies)) {
    const key = crypto.randomUUID();
    const headers = { Authorization: `Bearer ${user.token}`, "Idempotency-Key": key };
    assertRefusal(await assertChangesNothing(world, () => postRaw(world, body, headers)), TOO_LARGE);
    await assertKeyIsFree(world, user, key);
  }
});

Deno.test("a body of exactly 64 KiB is read", async () => {
  const user = await world.newUser(20);
  assert.equal((await world.generate(user, { body: JSON.stringify(GOOD_BODY).padEnd(BODY_LIMIT) })).status, 200);
});

Deno.test("a body that is no JSON object in UTF-8 is 400", async () => {
  const user = await world.newUser(100);
  const bodies: Record<string, string | Uint8Array<ArrayBuffer>> = {
    "nothing": "",
    "a space": " ",
    "not JSON": "prompt=lighthouse",
    "half of it": JSON.stringify(GOOD_BODY).slice(0, -1),
    "two of it": JSON.stringify(GOOD_BODY).repeat(2),
    "an array": JSON.stringify([GOOD_BODY]),
    "null": "null",
    "a text": '"lighthouse"',
    "invalid UTF-8": Uint8Array.from([...new TextEncoder().encode('{"prompt":"'), 0xff, 0xfe, 0x22, 0x7d]),
    "UTF-16": new Uint8Array(new Uint16Array([...JSON.stringify(GOOD_BODY)].map((c) => c.charCodeAt(0))).buffer),
    "brackets a thousand deep": "[".repeat(1000),
  };
  for (const body of Object.values(bodies)) {
    const key = crypto.randomUUID();
    const headers = { Authorization: `Bearer ${user.token}`, "Idempotency-Key": key };
    const answer = await assertChangesNothing(world, () => postRaw(world, body, headers));
    assertRefusal(answer, { status: 400, code: "invalid_json" });
    await assertKeyIsFree(world, user, key);
  }
});

Deno.test("a valid request id of the client comes back, any other is replaced", async () => {
  const sane = await world.call("generate-video", { headers: { "X-Request-Id": "app-7:screen.2_b" } });
  assertRefusal(sane, UNAUTHORIZED);
  assert.equal(sane.body.request_id, "app-7:screen.2_b");
  for (const insane of ["two words", "<script>", "a".repeat(129), "", "é"]) {
    const answer = await world.call("generate-video", { headers: { "X-Request-Id": insane } });
    assert.match(String(answer.body.request_id), /^[0-9a-f-]{36}$/);
    assertRefusal(answer, UNAUTHORIZED);
  }
});

Deno.test("a preflight lists what browsers may send, without credentials", async () => {
  for (const [path, method] of [["generate-video", "POST"], ["get-video-status", "GET"]]) {
    const { status, headers } = await world.call(`${path}`, { method: "OPTIONS" });
    assert.equal(status, 204);
    assertCommonHeaders(headers);
    assert.ok(headers.get("access-control-allow-methods")?.includes(`${method}`));
    const allowed = headers.get("access-control-allow-headers")?.toLowerCase().split(", ") ?? [];
    for (const name of ["authorization", "apikey", "content-type", "idempotency-key", "x-client-info"]) {
      assert.ok(allowed.includes(name), name);
    }
  }
});

Deno.test("a success carries the same headers as a refusal", async () => {
  const user = await world.newUser(20);
  const started = await world.generate(user, { headers: { "X-Request-Id": "mine" } });
  assertCommonHeaders(started.headers);
  assert.equal(started.headers.get("x-request-id"), "mine");
  assertCommonHeaders((await world.status(user, started.body.job_id)).headers);
});

Deno.test("the sentence is in the client's language, and the code never changes", async () => {
  const spoken = { en: "Unauthorized", tr: "Yetkisiz", es: "No autorizado" };
  const cases: [header: string, language: keyof typeof spoken][] = [
    ["", "en"],
    ["*", "en"],
    ["de-DE, fr", "en"],
    ["tr", "tr"],
    ["TR-tr", "tr"],
    ["es-419", "es"],
    ["es;q=0.5, tr;q=0.9", "tr"],
    ["es, tr", "es"],
    ["fr, es;q=0.3, en;q=0.2", "es"],
    ["tr;q=0, es;q=0.1", "es"],
    ["tr;q=0", "en"],
    [";;;q=x,,es", "es"],
  ];
  for (const [header, language] of cases) {
    const answer = await world.call("generate-video", { headers: { "Accept-Language": header } });
    assertRefusal(answer, { ...UNAUTHORIZED, error: spoken[language] });
  }
});

Deno.test("a valid request is charged its price", async () => {
  const user = await world.newUser(20);
  const answer = await world.generate(user, { body: { model_id: KLING, prompt: "A lighthouse" } });
  assert.deepEqual({ ...answer.body, job_id: null }, {
    job_id: null,
    status: "pending",
    credits_used: 5,
    credits_remaining: 15,
  });
  assert.equal(await world.balance(user), 15);
  await world.audit();
});
