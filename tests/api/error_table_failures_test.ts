import assert from "node:assert/strict";
import { jobErrors } from "../../supabase/functions/_shared/errors/job-errors.ts";
import { KLING_IMAGE, type TestUser, useWorld } from "../support/harness.ts";
import {
  assertCommonHeaders,
  assertKeyIsFree,
  assertRefusal,
  assertRefusedFreely,
  GOOD_BODY,
  GOOD_PRICE,
  type Refusal,
} from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld({ falSimulator: { concurrency: 1000 } });

const KEY_REUSED: Refusal = { status: 422, code: "idempotency_key_reused" };
const PROVIDER_FAILED: Refusal = { status: 500, code: "provider_failed", error: "Provider API failed" };
const UNAVAILABLE: Refusal = { status: 503, code: "unavailable" };
const IMAGE = "https://example.com/lighthouse.png";

/** Changes the operator's settings while the work runs. */
async function withSettings(settings: Record<string, number>, work: () => Promise<void>): Promise<void> {
  const [before] = await world.sql`select ${world.sql(Object.keys(settings))} from app_settings`;
  await world.sql`update app_settings set ${world.sql(settings)}`;
  try {
    await work();
  } finally {
    await world.sql`update app_settings set ${world.sql({ ...before })}`;
  }
}

/** Forgets the provider's failures, so that the next request is sent to it. */
async function closeCircuits(): Promise<void> {
  await world.sql`delete from private.provider_circuits`;
}

async function ledgerOf(user: TestUser): Promise<number[]> {
  const rows = await world.sql`select change from quota_log where user_id = ${user.id} order by id`;
  return rows.map(({ change }) => Number(change));
}

/** Fails unless the answer leaks nothing of what broke. */
function assertSaysNothing(body: Record<string, unknown>): void {
  assert.deepEqual(Object.keys(body).sort(), ["code", "error", "request_id"]);
  assert.doesNotMatch(JSON.stringify(body), /secret detail|permission|select|insert|public\.|\.ts|sb_secret/i);
}

Deno.test("a key that was used for another request is 422, and stays bound to the first", async () => {
  const user = await world.newUser(100);
  const key = crypto.randomUUID();
  const first = await world.generate(user, { key, body: GOOD_BODY });
  const others = [
    { prompt: "Another lighthouse" },
    { prompt: GOOD_BODY.prompt.toUpperCase() },
    { settings: { duration: 5 } },
    { node_id: "node-1" },
    { model_id: KLING_IMAGE, image_url: IMAGE },
    { model_id: crypto.randomUUID() },
  ];
  for (const other of others) {
    const body = { ...GOOD_BODY, ...other };
    const answer = await assertChangesNothing(world, () => world.generate(user, { key, body }));
    assertRefusal(answer, KEY_REUSED);
    await assertKeyIsFree(world, user, crypto.randomUUID());
  }
  assert.deepEqual((await world.generate(user, { key, body: GOOD_BODY })).body, first.body);
});

Deno.test("a key that was used for another image is 422", async () => {
  const user = await world.newUser(100);
  const key = crypto.randomUUID();
  const body = { ...GOOD_BODY, model_id: KLING_IMAGE, image_url: IMAGE };
  assert.equal((await world.generate(user, { key, body })).status, 200);
  assertRefusal(await world.generate(user, { key, body: { ...body, image_url: `${IMAGE}?another` } }), KEY_REUSED);
});

Deno.test("a key that was refused as reused by one user is another user's own", async () => {
  const [first, second] = await Promise.all([world.newUser(20), world.newUser(20)]);
  const key = crypto.randomUUID();
  await assertKeyIsFree(world, first, key);
  await assertKeyIsFree(world, second, key);
});

Deno.test("the same request written in another way is replayed word for word", async () => {
  const user = await world.newUser(20);
  const key = crypto.randomUUID();
  const { model_id: model, prompt } = GOOD_BODY;
  const first = await world.generate(user, { key, body: { ...GOOD_BODY, settings: { fps: 30, duration: 5 } } });
  assert.equal(first.status, 200);
  const rewritten = [
    `{"settings":{"duration":5,"fps":30},"prompt":"${prompt}","model_id":"${model}"}`,
    `{ "prompt" : " ${prompt} ",\n "model_id" : "${model.toUpperCase()}", "settings" : { "fps" : 30.0, "duration" : 5e0 } }`,
    `{"model_id":"${model}","prompt":"\\u0041${prompt.slice(1)}","settings":{"fps":30,"duration":5},"node_id":null}`,
    `{"model_id":"${model}","prompt":"${prompt}","settings":{"fps":30,"duration":5},"user_id":"${user.id}"}`,
  ];
  for (const body of rewritten) {
    const replay = await assertChangesNothing(world, () => world.generate(user, { key, body }));
    assert.equal(replay.headers.get("x-idempotent-replay"), "true", body);
    assertCommonHeaders(replay.headers);
    assert.deepEqual([replay.status, replay.body], [first.status, first.body]);
  }
});

Deno.test("more unfinished jobs than allowed are 429, and the key works once one has ended", async () => {
  const user = await world.newUser(20);
  const { body: { job_id: jobId } } = await world.generate(user, { body: GOOD_BODY });
  await withSettings({ active_jobs_per_user: 1, check_interval_max_seconds: 7 }, async () => {
    const key = crypto.randomUUID();
    const answer = await assertChangesNothing(world, () => world.generate(user, { key, body: GOOD_BODY }));
    assertRefusal(answer, {
      status: 429,
      code: "too_many_active_jobs",
      fields: { limit: 1 },
      headers: { "Retry-After": "7", "X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "7" },
    });
    await world.sql`select fail_job(${String(jobId)}, 1, 'timeout', 'The video took too long')`;
    await assertKeyIsFree(world, user, key);
  });
  await world.audit();
});

Deno.test("more videos in an hour than allowed are 429, and the key works after the time that was told", async () => {
  const user = await world.newUser(20);
  await world.generate(user, { body: GOOD_BODY });
  await withSettings({ generations_per_hour: 1 }, async () => {
    const key = crypto.randomUUID();
    const answer = await assertChangesNothing(world, () => world.generate(user, { key, body: GOOD_BODY }));
    const wait = Number(answer.headers.get("retry-after"));
    assert.ok(wait > 3500 && wait <= 3600, `${wait} seconds`);
    assertRefusal(answer, {
      status: 429,
      code: "rate_limited",
      fields: { limit: 1 },
      headers: { "X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": String(wait) },
    });
    await world.travel(wait);
    await assertKeyIsFree(world, user, key);
  });
});

Deno.test("a provider that refuses a submission is 500, refunded in full, and replayed as that 500", async () => {
  // 500 and 503 are asked again twice before they are believed; 429 is no refusal, but asks for patience.
  const reasons = {
    "401": "provider_unauthorized",
    locked: "provider_locked",
    "500": "provider_error",
    "503": "provider_busy",
  } as const;
  for (const submit of ["401", "locked", "500", "503"] as const) {
    const user = await world.newUser(20);
    const key = crypto.randomUUID();
    const body = { ...GOOD_BODY, prompt: `A lighthouse, refused by ${submit}` };
    world.falSimulator?.script(body.prompt, { submit });
    const answer = await world.generate(user, { key, body });
    const { job_id: jobId } = answer.body;
    assert.equal(typeof jobId, "string");
    assertRefusal(answer, {
      ...PROVIDER_FAILED,
      fields: {
        job_id: jobId,
        credits_refunded: GOOD_PRICE,
        credits_remaining: 20,
        error_code: reasons[submit],
        error_message: jobErrors[reasons[submit]].en,
      },
    });
    assert.deepEqual(await ledgerOf(user), [20, -GOOD_PRICE, GOOD_PRICE]);
    assert.equal(await world.balance(user), 20);

    const job = await world.status(user, jobId);
    const { status, credits_refunded, error_code, error_message } = job.body;
    assert.deepEqual([status, credits_refunded, error_code], ["failed", GOOD_PRICE, reasons[submit]]);
    assert.equal(error_message, answer.body.error_message);
    const replay = await world.generate(user, { key, body });
    assert.equal(replay.headers.get("x-idempotent-replay"), "true");
    assert.deepEqual([replay.status, replay.body], [500, answer.body]);
    assert.deepEqual(await ledgerOf(user), [20, -GOOD_PRICE, GOOD_PRICE]);
    assertRefusal(await world.generate(user, { key, body: GOOD_BODY }), KEY_REUSED);
    await closeCircuits();
  }
  await world.audit();
});

Deno.test("why a provider failed is told in the language of the request, to its replay in any other too", async () => {
  const user = await world.newUser(20);
  const key = crypto.randomUUID();
  const body = { ...GOOD_BODY, prompt: "A lighthouse, refused in Turkish" };
  world.falSimulator?.script(body.prompt, { submit: "401" });
  const answer = await world.generate(user, { key, body, headers: { "Accept-Language": "tr" } });
  assert.deepEqual([answer.body.error_code, answer.body.error_message], [
    "provider_unauthorized",
    jobErrors.provider_unauthorized.tr,
  ]);
  const replay = await world.generate(user, { key, body, headers: { "Accept-Language": "es" } });
  assert.deepEqual([replay.status, replay.body], [500, answer.body]);
});

Deno.test("a provider that refuses our account takes no further charge until the time that was told", async () => {
  const [unlucky, next] = await Promise.all([world.newUser(20), world.newUser(20)]);
  const prompt = "A lighthouse, on a locked account";
  world.falSimulator?.script(prompt, { submit: "locked" });
  assertRefusal(await world.generate(unlucky, { body: { ...GOOD_BODY, prompt } }), PROVIDER_FAILED);
  const key = crypto.randomUUID();
  const answer = await assertChangesNothing(world, () => world.generate(next, { key, body: GOOD_BODY }));
  assertRefusal(answer, { status: 503, code: "provider_unavailable" });
  const wait = Number(answer.headers.get("retry-after"));
  assert.ok(Number.isInteger(wait) && wait > 0, `${wait} seconds`);
  await world.travel(wait);
  await assertKeyIsFree(world, next, key);
  await assertKeyIsFree(world, unlucky, crypto.randomUUID());
  await world.audit();
});

Deno.test("a model that the provider no longer has is 500 and refunded in full", async () => {
  const user = await world.newUser(20);
  const model = KLING_IMAGE;
  const [before] = await world.sql`select provider_model_id from models where id = ${model}`;
  await world.sql`update models set provider_model_id = 'nobody/nothing' where id = ${model}`;
  try {
    const answer = await world.generate(user, { body: { ...GOOD_BODY, model_id: model, image_url: IMAGE } });
    assertRefusal(answer, {
      ...PROVIDER_FAILED,
      fields: { credits_refunded: GOOD_PRICE, credits_remaining: 20, error_code: "provider_model_missing" },
    });
  } finally {
    await world.sql`update models set provider_model_id = ${before?.provider_model_id} where id = ${model}`;
  }
  assert.deepEqual(await ledgerOf(user), [20, -GOOD_PRICE, GOOD_PRICE]);
  await world.audit();
});

Deno.test("a refusal that passes within the request costs nothing extra", async () => {
  const user = await world.newUser(20);
  const prompt = "A lighthouse, at the second try";
  world.falSimulator?.script(prompt, { submit: "503", times: 1 });
  const answer = await world.generate(user, { body: { ...GOOD_BODY, prompt } });
  assert.equal(answer.status, 200);
  assert.deepEqual(await ledgerOf(user), [20, -GOOD_PRICE]);
  const accepted = world.falSimulator?.requests.filter(({ input }) => input.prompt === prompt);
  assert.equal(accepted?.length, 1);
});

Deno.test("a submission whose answer is lost on a connection that was kept open is not sent again", async () => {
  const user = await world.newUser(20);
  const prompt = "A lighthouse, cut off";
  // Opens the connection that the next submission finds in the pool.
  await world.generate(user, { body: GOOD_BODY });
  world.falSimulator?.script(prompt, { submit: "drop_after", times: 1 });
  await world.generate(user, { body: { ...GOOD_BODY, prompt } });
  const runs = world.falSimulator?.requests.filter(({ input }) => input.prompt === prompt);
  assert.equal(runs?.length, 1, "The provider runs, and bills, one charge twice");
});

Deno.test("a job that cannot be written is 500 without a word on why, and nothing is charged", async () => {
  const user = await world.newUser(20);
  const key = crypto.randomUUID();
  await world.sql.unsafe(`
    create function private.test_break() returns trigger language plpgsql as
      $$ begin raise exception 'secret detail'; end $$;
    create trigger test_break before insert on idempotency_log for each row execute function private.test_break();
  `);
  try {
    const answer = await assertChangesNothing(world, () => world.generate(user, { key }));
    assertRefusal(answer, { status: 500, code: "job_creation_failed", error: "Failed to create job" });
    assertSaysNothing(answer.body);
  } finally {
    await world.sql`drop function private.test_break cascade`;
  }
  await assertKeyIsFree(world, user, key);
});

Deno.test("what breaks inside is 500 without a word on why", async () => {
  const user = await world.newUser(20);
  const { body: { job_id: jobId } } = await world.generate(user);
  await world.sql`revoke execute on function read_job from service_role`;
  try {
    const answer = await assertChangesNothing(world, () => world.status(user, jobId));
    assertRefusal(answer, { status: 500, code: "internal_error", error: "Internal server error" });
    assertSaysNothing(answer.body);
  } finally {
    await world.sql`grant execute on function read_job to service_role`;
  }
  assert.equal((await world.status(user, jobId)).status, 200);
});

Deno.test("a database out of reach is 503 with a time to come back, and the key stays free", async () => {
  const user = await world.newUser(100);
  const { body: { job_id: jobId } } = await world.generate(user);
  for (const fault of [502, 503, 504, "drop"] as const) {
    const key = crypto.randomUUID();
    world.gateway.fail("/rest/v1", fault);
    try {
      const answers = await assertChangesNothing(
        world,
        async () => [await world.generate(user, { key }), await world.status(user, jobId)],
      );
      const errors = answers.map(({ body }) => body.error);
      // The key is for who has one: a poll knows of none.
      assert.deepEqual(errors, [
        "The service is not available: try again in a moment with the same Idempotency-Key",
        "The service is not available: try again in a moment",
      ]);
      for (const answer of answers) {
        assertRefusal(answer, UNAVAILABLE);
        assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
        assertSaysNothing(answer.body);
      }
    } finally {
      world.gateway.clearFaults();
    }
    await assertKeyIsFree(world, user, key);
  }
});

Deno.test("an answer lost after the charge is 503, and the same key finds the one charge", async () => {
  const user = await world.newUser(20);
  const key = crypto.randomUUID();
  // Twice: Deno's newer fetch sends a request again, a POST too, when a kept connection breaks under it.
  world.gateway.fail("/rest/v1/rpc/start_generation", "drop-reply", 2);
  const lost = await world.generate(user, { key, body: GOOD_BODY });
  world.gateway.clearFaults();
  assertRefusal(lost, UNAVAILABLE);
  const found = await world.generate(user, { key, body: GOOD_BODY });
  assert.equal(found.status, 200);
  assert.equal(found.headers.get("x-idempotent-replay"), "true");
  assert.deepEqual(await ledgerOf(user), [20, -GOOD_PRICE]);
  await world.audit();
});

Deno.test("storage out of reach makes a finished video's status 503, and the video stays paid and there", async () => {
  const user = await world.newUser(20);
  const prompt = "A lighthouse, at once";
  world.falSimulator?.script(prompt, { queueMs: 0, runMs: 0 });
  const { body: { job_id: jobId } } = await world.generate(user, { body: { ...GOOD_BODY, prompt } });
  await world.travel(3);
  assert.equal((await world.status(user, jobId)).body.status, "completed");
  world.gateway.fail("/storage/v1", 503);
  try {
    const answer = await assertChangesNothing(world, () => world.status(user, jobId));
    assertRefusal(answer, UNAVAILABLE);
    assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
  } finally {
    world.gateway.clearFaults();
  }
  assert.equal((await world.status(user, jobId)).body.status, "completed");
  await assertRefusedFreely(world, user, { body: {} }, { status: 400, code: "validation_failed" });
});
