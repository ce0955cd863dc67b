// A submission costs money and no provider has an idempotency key: three outcomes (accepted, refused, unknown), and in
// each the user pays once or not at all.
import assert from "node:assert/strict";
import {
  assertPaidOnce,
  assertRefundedOnce,
  type Generation,
  INSTANT,
  PRICE,
  simulatorOf,
  startGeneration,
} from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";

const GRACE_SECONDS = 120;
/** The Retry-After of the simulator's 429. */
const RETRY_AFTER_SECONDS = 5;

const world = useWorld({ falSimulator: INSTANT });

/** Starts a generation and counts the submissions that it made, accepted or not. */
async function startCounting(fal: string): Promise<Generation & { submissions(): number }> {
  const before = simulatorOf(world).submissions;
  const generation = await startGeneration(world, { fal });
  return { ...generation, submissions: () => simulatorOf(world).submissions - before };
}

const LOST: [what: string, fal: string, accepted: number][] = [
  ["whose connection broke after fal had taken it", "submit_drop_after times=1", 1],
  ["whose connection broke before fal took it", "submit_drop_before times=1", 0],
  ["answered by a gateway's 502", "submit_502 times=1", 0],
  ["answered by a gateway's 504", "submit_504 times=1", 0],
  ["answered with half a JSON", "submit_bad_json times=1", 1],
];

for (const [what, fal, accepted] of LOST) {
  Deno.test(`a submission ${what} is not sent again before the grace time, then exactly once, for one charge`, async () => {
    const generation = await startCounting(fal);
    assert.deepEqual([generation.answer.status, generation.answer.body.status], [200, "pending"]);
    assert.deepEqual([generation.submissions(), generation.runs().length], [1, accepted]);

    const waiting = await generation.poll(GRACE_SECONDS - 20);
    assert.deepEqual([waiting.body.status, generation.submissions()], ["pending", 1]);

    const sent = await generation.poll(20);
    assert.deepEqual([sent.body.status, generation.submissions()], ["processing", 2]);
    await assertPaidOnce(world, generation, await generation.outcome());
    assert.equal(generation.submissions(), 2);
  });
}

Deno.test("submissions that are always lost end in a refund after four attempts", async () => {
  const generation = await startCounting("submit_drop_before");
  await assertRefundedOnce(world, generation, await generation.outcome(), "provider_unreachable");
  assert.equal(generation.submissions(), 4);
});

Deno.test("the replay of a request whose submission was lost is its first answer, and submits nothing", async () => {
  const generation = await startCounting("submit_drop_after times=1");
  const replay = await generation.send();
  assert.deepEqual([replay.status, replay.body], [200, generation.answer.body]);
  assert.equal(replay.headers.get("x-idempotent-replay"), "true");
  assert.equal(generation.submissions(), 1);
});

for (const fal of ["submit_503", "submit_500"]) {
  Deno.test(`a submission refused once with ${fal} is sent again inside the request, for one charge`, async () => {
    const generation = await startCounting(`${fal} times=1`);
    assert.deepEqual([generation.answer.status, generation.answer.body.status], [200, "pending"]);
    assert.deepEqual([generation.submissions(), generation.runs().length], [2, 1]);
    await assertPaidOnce(world, generation, await generation.poll());
    assert.equal(generation.submissions(), 2);
  });
}

const REFUSED: [what: string, fal: string, submissions: number, errorCode: string][] = [
  ["a provider that refuses three times", "submit_503", 3, "provider_busy"],
  ["a locked account", "submit_locked", 1, "provider_locked"],
  ["a key that the provider does not take", "submit_401", 1, "provider_unauthorized"],
];

for (const [what, fal, submissions, errorCode] of REFUSED) {
  Deno.test(`${what} answers 500 with the refund in it after ${submissions} submission(s), and so does a replay`, async () => {
    const generation = await startCounting(fal);
    const { status, body } = generation.answer;
    assert.equal(status, 500);
    const { error, code, credits_refunded, credits_remaining } = body;
    assert.deepEqual({ error, code, credits_refunded, credits_remaining }, {
      error: "Provider API failed",
      code: "provider_failed",
      credits_refunded: PRICE,
      credits_remaining: 100,
    });
    assert.equal(generation.submissions(), submissions);

    const replay = await generation.send();
    assert.deepEqual([replay.status, replay.body, generation.submissions()], [500, body, submissions]);
    assert.equal(replay.headers.get("x-idempotent-replay"), "true");
    await assertRefundedOnce(world, generation, await generation.poll(), errorCode);
  });
}

Deno.test("a provider that asks for fewer requests is asked again after the pause that it named, for one charge", async () => {
  const generation = await startCounting("submit_429 times=1");
  const { status, body } = generation.answer;
  assert.deepEqual([status, body.status, generation.submissions()], [200, "pending", 1]);
  const early = await generation.poll(RETRY_AFTER_SECONDS - 1);
  assert.deepEqual([early.body.status, early.body.error_code, generation.submissions()], ["pending", null, 1]);
  await generation.poll();
  assert.equal(generation.submissions(), 2);
  await assertPaidOnce(world, generation, await generation.poll());
});

Deno.test("a provider that always asks for fewer requests ends in a refund after four of them", async () => {
  const generation = await startCounting("submit_429");
  assert.equal(generation.answer.status, 200);
  await assertRefundedOnce(world, generation, await generation.outcome(), "provider_busy");
  assert.equal(generation.submissions(), 4);
});

Deno.test("after a refused submission a new key is a new request, and is charged anew", async () => {
  const refused = await startCounting("submit_locked");
  // The refusal opened the provider's circuit, which would refuse the next request.
  await world.sql`delete from private.provider_circuits`;
  const second = await startGeneration(world, { user: refused.user });
  assert.equal(second.answer.body.credits_remaining, 95);
  await assertPaidOnce(world, second, await second.poll());
});

Deno.test("a submission that is answered late is accepted, and sent once", async () => {
  const generation = await startCounting("slow=500ms");
  assert.equal(generation.answer.status, 200);
  assert.equal(generation.submissions(), 1);
  await assertPaidOnce(world, generation, await generation.poll());
  assert.equal(generation.submissions(), 1);
});

Deno.test("an attempt after a failed run is submitted once too when its answer is lost", async () => {
  const generation = await startCounting("internal_server_error times=2");
  assert.equal((await generation.poll()).body.status, "processing");
  simulatorOf(world).configure({ submit: "drop_after" });
  await generation.poll();
  simulatorOf(world).configure({ submit: null });
  await generation.poll();
  assert.equal(generation.submissions(), 2, "a lost submission was repeated within its grace time");
  await assertPaidOnce(world, generation, await generation.outcome());
  assert.equal(generation.submissions(), 3);
});
