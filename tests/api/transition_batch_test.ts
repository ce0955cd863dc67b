// POST /transitions/batch-create-and-generate/: many transitions by one request, each charged and started by itself.
import assert from "node:assert/strict";
import { z } from "zod";
import { INSTANT } from "../support/generation.ts";
import { type Answer, type TestUser, useWorld } from "../support/harness.ts";
import { assertRefusal } from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";
import { PLAIN, postTransition, resultOf, taskStatus } from "../support/transition.ts";

const world = useWorld({ falSimulator: INSTANT });

const MESSAGE = "Batch transition creation and video generation started";
const THREE = [{ ...PLAIN, prompt: "One" }, { ...PLAIN, prompt: "Two", duration: 8 }, { ...PLAIN, prompt: "Three" }];

function send(user: TestUser, transitions: unknown, key?: string): Promise<Answer> {
  const headers = key === undefined ? {} : { "Idempotency-Key": key };
  return world.call("transitions/batch-create-and-generate/", { user, body: { transitions }, headers });
}

function tasksOf({ body }: Answer): Record<string, unknown>[] {
  return z.array(z.record(z.string(), z.unknown())).parse(body.tasks);
}

async function outcome(user: TestUser, taskId: unknown): Promise<Answer> {
  for (let count = 0; count < 10; count++) {
    const answer = await taskStatus(world, user, taskId);
    if (answer.body.ready) return answer;
    await world.travel(20);
  }
  throw new Error(`Task ${taskId} does not end`);
}

Deno.test("each transition of a batch is charged, answered and made by itself", async () => {
  const user = await world.newUser();
  const answer = await send(user, THREE);
  const tasks = tasksOf(answer);
  const { task_group_id } = answer.body;
  assert.match(String(task_group_id), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual([answer.status, answer.body], [202, {
    task_group_id,
    tasks: [[5, 95], [8, 87], [5, 82]].map(([credits_used, credits_remaining], index) => ({
      index,
      task_id: tasks[index]?.task_id,
      status: "pending",
      credits_used,
      credits_remaining,
    })),
    total: 3,
    status: "pending",
    message: MESSAGE,
  }]);
  assert.equal(new Set(tasks.map(({ task_id }) => task_id)).size, 3);
  for (const [index, { task_id }] of tasks.entries()) {
    assert.equal(resultOf(await outcome(user, task_id)).duration, THREE[index]?.duration);
  }
  assert.equal(await world.balance(user), 82);
  await world.audit();
});

Deno.test("twenty transitions are a batch", async () => {
  const user = await world.newUser();
  const answer = await send(user, Array(20).fill(PLAIN));
  assert.deepEqual([answer.body.total, tasksOf(answer).length], [20, 20]);
  assert.equal(await world.balance(user), 0);
});

Deno.test("the same key is the same batch: group, tasks, charges and answer", async () => {
  const user = await world.newUser();
  const key = crypto.randomUUID();
  const first = await send(user, THREE, key);
  assert.equal(first.headers.get("x-idempotent-replay"), null);
  const replay = await send(user, THREE, key);
  assert.deepEqual([replay.status, replay.body], [202, first.body]);
  assert.equal(replay.headers.get("x-idempotent-replay"), "true");
  assert.equal(await world.balance(user), 82);
});

Deno.test("ten copies of a batch at once are one batch", async () => {
  const user = await world.newUser();
  const key = crypto.randomUUID();
  const answers = await Promise.all(Array.from({ length: 10 }, () => send(user, THREE, key)));
  assert.equal(new Set(answers.map(({ body }) => JSON.stringify(body))).size, 1);
  assert.equal(await world.balance(user), 82);
  await world.audit();
});

Deno.test("of two different batches that come at once under one key one is started, and the other is 422", async () => {
  for (let round = 0; round < 5; round++) {
    const user = await world.newUser();
    const key = crypto.randomUUID();
    const answers = await Promise.all([send(user, THREE, key), send(user, THREE.toReversed(), key)]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 422]);
    assert.equal(await world.balance(user), 82);
  }
});

Deno.test("the same batch with another key is another batch", async () => {
  const user = await world.newUser();
  const [first, second] = [await send(user, THREE, "first"), await send(user, THREE, "second")];
  assert.notEqual(first.body.task_group_id, second.body.task_group_id);
  assert.equal(await world.balance(user), 64);
});

Deno.test("without a key a batch is the same one for ten seconds, and another one after them", async () => {
  const user = await world.newUser();
  const [first, repeat] = await Promise.all([send(user, THREE), send(user, THREE)]);
  assert.deepEqual([first.status, repeat.status, repeat.body], [202, 202, first.body]);
  assert.equal(await world.balance(user), 82);

  await world.travel(10);
  const later = await send(user, THREE);
  assert.notEqual(later.body.task_group_id, first.body.task_group_id);
  assert.equal(later.headers.get("x-idempotent-replay"), null);
  assert.equal(await world.balance(user), 64);
  await world.audit();
});

Deno.test("a batch that begins to be repeated in its time is repeated as a whole", async () => {
  const user = await world.newUser();
  const first = await send(user, THREE);
  // As if its time ended right after the first of them was found.
  await world.sql`
    update idempotency_log set expires_at = created_at + interval '1 microsecond'
    where user_id = ${user.id} and job_id <> ${String(tasksOf(first)[0]?.task_id)}`;
  const repeat = await send(user, THREE);
  assert.deepEqual(repeat.body, first.body);
  assert.equal(await world.balance(user), 82);
});

Deno.test("a batch under the key of a single transition is 422, and so is the other way round", async () => {
  const user = await world.newUser();
  const key = crypto.randomUUID();
  assert.equal((await postTransition(world, user, PLAIN, { "Idempotency-Key": key })).status, 202);
  assert.equal((await send(user, [PLAIN, PLAIN], key)).status, 422);

  const another = crypto.randomUUID();
  assert.equal((await send(user, [PLAIN, PLAIN], another)).status, 202);
  assert.equal((await postTransition(world, user, PLAIN, { "Idempotency-Key": another })).status, 422);
  assert.equal((await world.generate(user, { key: another })).status, 422);
  assert.equal(await world.balance(user), 100 - 3 * 5);
});

Deno.test("two users may use one key, and get groups of their own", async () => {
  const key = crypto.randomUUID();
  const [one, other] = [await world.newUser(), await world.newUser()];
  const [first, second] = [await send(one, THREE, key), await send(other, THREE, key)];
  assert.notEqual(first.body.task_group_id, second.body.task_group_id);
  assert.deepEqual([await world.balance(one), await world.balance(other)], [82, 82]);
});

Deno.test("a batch that runs out of credits names what was refused, and finishes it by the same key", async () => {
  const user = await world.newUser(12);
  const key = crypto.randomUUID();
  const first = await send(user, THREE, key);
  const [one, two, three] = tasksOf(first);
  assert.deepEqual([first.status, first.body.total, first.body.status], [202, 3, "pending"]);
  assert.deepEqual([one?.credits_remaining, three?.credits_remaining], [7, 2]);
  assert.deepEqual(two, {
    index: 1,
    task_id: null,
    status: "failed",
    error: "Insufficient credits",
    code: "insufficient_credits",
    request_id: first.headers.get("x-request-id"),
    current_credits: 7,
    required_credits: 8,
  });
  assert.equal(await world.balance(user), 2);

  await world.sql`select add_credits(${user.id}, 10, 'test')`;
  const second = await send(user, THREE, key);
  assert.equal(second.headers.get("x-idempotent-replay"), null);
  assert.equal(second.body.task_group_id, first.body.task_group_id);
  const [sameOne, made, sameThree] = tasksOf(second);
  assert.deepEqual([sameOne, sameThree], [one, three]);
  assert.deepEqual([made?.status, made?.credits_used, made?.credits_remaining], ["pending", 8, 4]);
  assert.equal(await world.balance(user), 4);
  assert.equal((await send(user, THREE, key)).headers.get("x-idempotent-replay"), "true");
  await world.audit();
});

/** Other batches under the key of THREE. */
const CHANGED: [what: string, transitions: unknown[]][] = [
  ["with one more", [...THREE, PLAIN]],
  ["with one less", THREE.slice(0, 2)],
  ["in another order", THREE.toReversed()],
  ["with another last one", [...THREE.slice(0, 2), PLAIN]],
  ["of none of them", [PLAIN]],
];

for (const [what, changed] of CHANGED) {
  Deno.test(`a batch ${what} under the same key is 422 and starts nothing`, async () => {
    const user = await world.newUser();
    const key = crypto.randomUUID();
    await send(user, THREE, key);
    for (const { task_id } of tasksOf(await send(user, THREE, key))) await outcome(user, task_id);
    await assertChangesNothing(world, async () => {
      assertRefusal(await send(user, changed, key), { status: 422, code: "idempotency_key_reused" });
    });
  });
}

Deno.test("a batch changed after it ran out of credits at its first transition is 422 and starts nothing", async () => {
  const user = await world.newUser(7);
  const key = crypto.randomUUID();
  const batch = [{ ...PLAIN, duration: 8 }, PLAIN];
  const [refused, made] = tasksOf(await send(user, batch, key));
  assert.deepEqual([refused?.code, made?.status], ["insufficient_credits", "pending"]);
  await outcome(user, made?.task_id);
  await world.sql`select add_credits(${user.id}, 50, 'test')`;
  await assertChangesNothing(world, async () => {
    const changed = [{ ...PLAIN, duration: 9 }, PLAIN];
    assertRefusal(await send(user, changed, key), { status: 422, code: "idempotency_key_reused" });
  });
});

Deno.test("a batch of which no transition can start is answered with the refusal, and its key stays free", async () => {
  const user = await world.newUser(4);
  const key = crypto.randomUUID();
  await assertChangesNothing(world, async () => {
    assertRefusal(await send(user, THREE, key), {
      status: 402,
      code: "insufficient_credits",
      error: "Insufficient credits",
      fields: { current_credits: 4, required_credits: 5 },
    });
  });
  await world.sql`select add_credits(${user.id}, 96, 'test')`;
  assert.equal((await send(user, [PLAIN], key)).status, 202);
});

Deno.test("one transition that does not fit refuses the whole batch, by its index", async () => {
  const user = await world.newUser();
  await assertChangesNothing(world, async () => {
    assertRefusal(await send(user, [PLAIN, { ...PLAIN, duration: 61, transition_type: "SPIN" }]), {
      status: 400,
      code: "validation_failed",
      fields: {
        issues: [
          { path: "transitions.1.duration", message: "must be a whole number from 1 to 60" },
          {
            path: "transitions.1.transition_type",
            message: "must be one of: FADE, SLIDE, ZOOM, WIPE, MORPH, BLUR, ROTATE, ENERGETIC, CALM",
          },
        ],
      },
    });
  });
});

for (const transitions of [[], Array(21).fill(PLAIN), "all", undefined]) {
  Deno.test(`a batch of ${JSON.stringify(transitions)?.slice(0, 20)} is refused`, async () => {
    const answer = await send(await world.newUser(), transitions);
    assertRefusal(answer, { status: 400, code: "validation_failed" });
  });
}
