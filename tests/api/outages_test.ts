// Failures on our side: the database, Storage, and unexpected errors.
import assert from "node:assert/strict";
import { useWorld } from "../support/harness.ts";
import { assertKeyIsFree, assertRefusal, assertRefusedFreely, GOOD_BODY, type Refusal } from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld();

const UNAVAILABLE: Refusal = { status: 503, code: "unavailable" };

/** Fails if the answer contains details of the failure. */
function assertSaysNothing(body: Record<string, unknown>): void {
  assert.deepEqual(Object.keys(body).sort(), ["code", "error", "request_id"]);
  assert.doesNotMatch(JSON.stringify(body), /secret detail|permission|select|insert|public\.|\.ts|sb_secret/i);
}

Deno.test("a job that cannot be written is 500 without details, and nothing is charged", async () => {
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

Deno.test("an internal error is 500 without details", async () => {
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

Deno.test("a database out of reach is 503 with a Retry-After, and the key stays free", async () => {
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
      // Only a request with a key is advised to repeat it.
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

Deno.test("storage out of reach makes a finished video's status 503, unless its address is kept, and the video stays paid and there", async () => {
  const user = await world.newUser(20);
  const prompt = "A lighthouse, at once";
  world.falSimulator?.script(prompt, { queueMs: 0, runMs: 0 });
  const { body: { job_id: jobId } } = await world.generate(user, { body: { ...GOOD_BODY, prompt } });
  await world.travel(20);
  assert.equal((await world.status(user, jobId)).body.status, "completed");
  world.gateway.fail("/storage/v1", 503);
  try {
    assert.equal((await world.status(user, jobId)).status, 200);
    await world.functions.restart();
    const answer = await assertChangesNothing(world, () => world.status(user, jobId));
    assertRefusal(answer, UNAVAILABLE);
    assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
  } finally {
    world.gateway.clearFaults();
  }
  assert.equal((await world.status(user, jobId)).body.status, "completed");
  await assertRefusedFreely(world, user, { body: {} }, { status: 400, code: "validation_failed" });
});
