// The Idempotency-Key of a transition: one key, one task, one charge.
import assert from "node:assert/strict";
import { INSTANT } from "../support/generation.ts";
import { KLING, useWorld } from "../support/harness.ts";
import { assertRefusal } from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";
import { PLAIN, postTransition, startTransition, WHOLE } from "../support/transition.ts";

const world = useWorld({ falSimulator: { ...INSTANT, runMs: 3_600_000 } });

Deno.test("the same key is the same task, with the very same answer, and one charge", async () => {
  const transition = await startTransition(world);
  assert.equal(transition.answer.headers.get("x-idempotent-replay"), null);
  const replay = await transition.send();
  assert.deepEqual([replay.status, replay.body], [202, transition.answer.body]);
  assert.equal(replay.headers.get("x-idempotent-replay"), "true");
  assert.equal(transition.runs().length, 1);
  assert.deepEqual(await transition.ledger(), [-7]);
});

Deno.test("twenty copies of a request at once are one task and one charge", async () => {
  const user = await world.newUser();
  const key = { "Idempotency-Key": crypto.randomUUID() };
  const answers = await Promise.all(Array.from({ length: 20 }, () => postTransition(world, user, WHOLE, key)));
  assert.equal(new Set(answers.map(({ body }) => body.task_id)).size, 1);
  assert.equal(answers.filter(({ headers }) => headers.get("x-idempotent-replay") === null).length, 1);
  assert.equal(await world.balance(user), 93);
});

Deno.test("the key of another request is 422, be that a transition or a plain generation", async () => {
  const { user, key } = await startTransition(world, { body: PLAIN });
  const refused = { status: 422, code: "idempotency_key_reused" };
  await assertChangesNothing(world, async () => {
    const headers = { "Idempotency-Key": key };
    assertRefusal(await postTransition(world, user, { ...PLAIN, duration: 6 }, headers), refused);
    assertRefusal(await world.generate(user, { key, body: { model_id: KLING, prompt: PLAIN.prompt } }), refused);
  });
});

Deno.test("two users may use one key", async () => {
  const first = await startTransition(world, { body: PLAIN });
  const second = await startTransition(world, { body: PLAIN, key: first.key });
  assert.notEqual(second.taskId, first.taskId);
  assert.deepEqual([await first.ledger(), await second.ledger()], [[-5], [-5]]);
});

Deno.test("without a key the same request is one task for ten seconds, and another one after them", async () => {
  const user = await world.newUser();
  const first = await postTransition(world, user, PLAIN);
  assert.deepEqual([first.status, first.headers.get("x-idempotent-replay")], [202, null]);
  const repeat = await postTransition(world, user, { ...PLAIN, prompt: ` ${PLAIN.prompt} `, max_credits: 50 });
  assert.deepEqual([repeat.status, repeat.body], [202, first.body]);
  assert.equal(repeat.headers.get("x-idempotent-replay"), "true");
  assert.equal(await world.balance(user), 95);

  await world.travel(10);
  const later = await postTransition(world, user, PLAIN);
  assert.deepEqual([later.status, later.headers.get("x-idempotent-replay")], [202, null]);
  assert.notEqual(later.body.task_id, first.body.task_id);
  assert.equal(await world.balance(user), 90);
  await world.audit();
});

Deno.test("ten copies of a request at once without a key are one task and one charge", async () => {
  const user = await world.newUser();
  const answers = await Promise.all(Array.from({ length: 10 }, () => postTransition(world, user, WHOLE)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
  assert.equal(new Set(answers.map(({ body }) => JSON.stringify(body))).size, 1);
  assert.equal(answers.filter(({ headers }) => headers.get("x-idempotent-replay") === null).length, 1);
  assert.equal(await world.balance(user), 93);
  await world.audit();
});

Deno.test("without a key another request, another user's and one with a key are tasks of their own", async () => {
  const [user, other] = [await world.newUser(), await world.newUser()];
  const answers = [
    await postTransition(world, user, PLAIN),
    await postTransition(world, user, { ...PLAIN, duration: 6 }),
    await postTransition(world, other, PLAIN),
    await postTransition(world, user, PLAIN, { "Idempotency-Key": crypto.randomUUID() }),
  ];
  assert.deepEqual(answers.map(({ status }) => status), [202, 202, 202, 202]);
  assert.equal(new Set(answers.map(({ body }) => body.task_id)).size, 4);
  assert.deepEqual([await world.balance(user), await world.balance(other)], [84, 95]);
});

Deno.test("a refused request without a key is not remembered", async () => {
  const user = await world.newUser(4);
  assertRefusal(await postTransition(world, user, PLAIN), { status: 402, code: "insufficient_credits" });
  await world.sql`select add_credits(${user.id}, 1, 'test')`;
  assert.equal((await postTransition(world, user, PLAIN)).status, 202);
});

Deno.test("no client can send the key that a request without one gets", async () => {
  const user = await world.newUser();
  await postTransition(world, user, PLAIN);
  const [stored] = await world.sql`select idempotency_key from idempotency_log where user_id = ${user.id}`;
  const answer = await postTransition(world, user, PLAIN, { "Idempotency-Key": String(stored?.idempotency_key) });
  assertRefusal(answer, { status: 400, code: "idempotency_key_invalid" });
});

Deno.test("an invalid key is refused", async () => {
  const user = await world.newUser();
  const answer = await postTransition(world, user, PLAIN, { "Idempotency-Key": "a b" });
  assertRefusal(answer, { status: 400, code: "idempotency_key_invalid" });
});
