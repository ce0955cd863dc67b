import assert from "node:assert/strict";
import { jobErrors } from "../../supabase/functions/_shared/errors/job-errors.ts";
import { KLING_IMAGE, type TestUser, useWorld } from "../support/harness.ts";
import { assertKeyIsFree, assertRefusal, GOOD_BODY, GOOD_PRICE, type Refusal } from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld({ falSimulator: { concurrency: 1000 } });

const KEY_REUSED: Refusal = { status: 422, code: "idempotency_key_reused" };
const PROVIDER_FAILED: Refusal = { status: 500, code: "provider_failed", error: "Provider API failed" };

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

Deno.test("more videos in an hour than allowed are 429, and the key works after Retry-After", async () => {
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
  // After 500 and 503 the submission is repeated twice; 429 is no refusal, but a wait.
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

Deno.test("a provider's failure is explained in the language of the request, and a replay repeats it word for word", async () => {
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

Deno.test("after a provider has refused our account no request is charged until Retry-After", async () => {
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
