// `max_credits`: a price that has risen above it is not charged.
import assert from "node:assert/strict";
import { z } from "zod";
import { INSTANT } from "../support/generation.ts";
import { type Answer, KLING, type TestUser, useWorld } from "../support/harness.ts";
import { assertRefusal } from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";
import { PLAIN, postTransition } from "../support/transition.ts";

const world = useWorld({ falSimulator: INSTANT });

const BODY = { model_id: KLING, prompt: "A lighthouse", settings: { duration: 8 } };
const PRICE_CHANGED = { status: 409, code: "price_changed" };

function generate(user: TestUser, key: string, max_credits: unknown): Promise<Answer> {
  return world.generate(user, { key, body: { ...BODY, max_credits } });
}

Deno.test("a price above max_credits is 409 with the price, charges nothing, and leaves the key free", async () => {
  const user = await world.newUser(20);
  const key = crypto.randomUUID();
  const refused = await assertChangesNothing(world, () => generate(user, key, 7));
  assertRefusal(refused, { ...PRICE_CHANGED, fields: { required_credits: 8 } });
  const { status, body } = await generate(user, key, 8);
  assert.deepEqual([status, body.credits_used, body.credits_remaining], [200, 8, 12]);
  await world.audit();
});

Deno.test("a price that rose after the quote is not charged", async () => {
  const user = await world.newUser(100);
  await world.sql`update models set cost_per_second = cost_per_second * 3 where id = ${KLING}`;
  try {
    const refused = await assertChangesNothing(world, () => generate(user, crypto.randomUUID(), 8));
    assertRefusal(refused, { ...PRICE_CHANGED, fields: { required_credits: 24 } });
  } finally {
    await world.sql`update models set cost_per_second = cost_per_second / 3 where id = ${KLING}`;
  }
});

Deno.test("a user who can pay neither the old nor the new price gets the new price first", async () => {
  const user = await world.newUser(1);
  assertRefusal(await generate(user, crypto.randomUUID(), 7), PRICE_CHANGED);
  assertRefusal(await generate(user, crypto.randomUUID(), 8), { status: 402, code: "insufficient_credits" });
});

Deno.test("a replay may have another max_credits", async () => {
  const user = await world.newUser(20);
  const key = crypto.randomUUID();
  const first = await generate(user, key, 8);
  for (const other of [undefined, null, 1, 9]) {
    const replay = await generate(user, key, other);
    assert.deepEqual([replay.status, replay.body], [200, first.body]);
    assert.equal(replay.headers.get("x-idempotent-replay"), "true");
  }
  assert.equal(await world.balance(user), 12);
});

Deno.test("max_credits that is no positive whole number is 400", async () => {
  const user = await world.newUser(20);
  for (const wrong of [0, -1, 1.5, "8", 2 ** 31, 1e300, true, []]) {
    const { status, body } = await assertChangesNothing(world, () => generate(user, crypto.randomUUID(), wrong));
    assert.deepEqual([status, body.code], [400, "validation_failed"], String(wrong));
    assert.match(JSON.stringify(body.issues), /"path":"max_credits"/);
  }
});

Deno.test("a transition above its max_credits is 409, and another one is no other request", async () => {
  const user = await world.newUser(20);
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const ask = (max_credits: number) => postTransition(world, user, { ...PLAIN, max_credits }, headers);
  assertRefusal(await ask(4), { ...PRICE_CHANGED, fields: { required_credits: 5 } });
  const started = await ask(5);
  assert.deepEqual([started.status, started.body.credits_used], [202, 5]);
  const replay = await ask(1);
  assert.deepEqual([replay.status, replay.body], [202, started.body]);
  assert.equal(await world.balance(user), 15);
});

Deno.test("in a batch max_credits is each transition's own, and one that was refused is tried again by the same key", async () => {
  const user = await world.newUser(20);
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const ask = async (first: number, second: number) => {
    const transitions = [{ ...PLAIN, max_credits: first }, { ...PLAIN, duration: 6, max_credits: second }];
    const { body } = await world.call("transitions/batch-create-and-generate/", {
      user,
      headers,
      body: { transitions },
    });
    return z.array(z.record(z.string(), z.unknown())).parse(body.tasks);
  };
  const [taken, refused] = await ask(5, 5);
  assert.deepEqual([taken?.credits_used, refused?.code, refused?.required_credits], [5, "price_changed", 6]);
  assert.equal(await world.balance(user), 15);
  const [again, second] = await ask(1, 6);
  assert.deepEqual([again?.task_id, second?.credits_used], [taken?.task_id, 6]);
  assert.equal(await world.balance(user), 9);
  await world.audit();
});
