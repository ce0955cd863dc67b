// Crashes and lost answers at every point: the next check repairs the job, and the user has paid once or not at all.
import assert from "node:assert/strict";
import {
  assertPaidOnce,
  assertRefundedOnce,
  followGeneration,
  type Generation,
  INSTANT,
  prepareGeneration,
  PRICE,
  simulatorOf,
  startGeneration,
} from "../support/generation.ts";
import type { Fault } from "../../local/stack/gateway.ts";
import { until, useWorld } from "../support/harness.ts";

const GRACE_SECONDS = 120;
const LEASE_SECONDS = 60;
/** How long a worker that copies a video keeps the job. */
const COPY_LEASE_SECONDS = 300;
const HOUR_MS = 3_600_000;

const world = useWorld({ falSimulator: INSTANT });

const procedure = (name: string) => `/rest/v1/rpc/${name}`;

/** Kills the functions as a crash would, and starts them again. */
async function crash(): Promise<void> {
  await world.functions.kill();
  await world.functions.restart();
}

async function withFault<T>(name: string, fault: Fault, work: () => Promise<T>): Promise<T> {
  world.gateway.fail(procedure(name), fault);
  try {
    return await work();
  } finally {
    world.gateway.clearFaults();
  }
}

async function assertReplays(generation: Generation): Promise<void> {
  assert.deepEqual([generation.answer.status, generation.answer.body.status], [200, "pending"]);
  assert.equal(generation.answer.headers.get("x-idempotent-replay"), "true");
  assert.deepEqual([generation.answer.body.credits_used, await world.balance(generation.user)], [PRICE, 100 - PRICE]);
}

Deno.test("functions that die between charge and submission: the same key finds the job, a later check submits it", async () => {
  const request = await prepareGeneration(world);
  // The submission never reaches the provider's queue.
  simulatorOf(world).configure({ latencyMs: HOUR_MS });
  const lost = request.send();
  await until("the job is charged", async () => await world.balance(request.user) === 100 - PRICE);
  await crash();
  simulatorOf(world).configure({ latencyMs: 0 });
  assert.equal((await lost).status, 502);

  const generation = followGeneration(world, request, await request.send());
  await assertReplays(generation);
  assert.equal((await generation.poll(GRACE_SECONDS - 20)).body.status, "pending");
  assert.equal(generation.runs().length, 0);
  assert.equal((await generation.poll(20)).body.status, "processing");
  await assertPaidOnce(world, generation, await generation.outcome());
  assert.equal(generation.runs().length, 1);
});

Deno.test("functions that die between acceptance and record: after the grace time exactly one more attempt is made", async () => {
  const request = await prepareGeneration(world, { fal: "slow=1h times=1" });
  const lost = request.send();
  await until("the provider has taken it", () => request.runs().length === 1);
  await crash();
  assert.equal((await lost).status, 502);

  const generation = followGeneration(world, request, await request.send());
  await assertReplays(generation);
  assert.equal((await generation.poll(GRACE_SECONDS - 20)).body.status, "pending");
  assert.equal(generation.runs().length, 1);
  await assertPaidOnce(world, generation, await generation.outcome());
  assert.equal(generation.runs().length, 2);
});

Deno.test("functions that die while they check a run: the check is repeated when the lease has run out", async () => {
  const generation = await startGeneration(world);
  simulatorOf(world).configure({ latencyMs: HOUR_MS });
  const lost = generation.poll();
  await until("the check is under way", async () => {
    const [queued] = await world.sql`
      select lease_until > private.clock() as leased from private.job_queue where job_id = ${generation.jobId}`;
    return queued?.leased === true;
  });
  await crash();
  simulatorOf(world).configure({ latencyMs: 0 });
  assert.equal((await lost).status, 502);
  assert.equal((await generation.poll(LEASE_SECONDS - 20)).body.status, "processing");
  await assertPaidOnce(world, generation, await generation.poll());
});

Deno.test("functions that die while they copy a video: the copy is made anew when its lease has run out", async () => {
  const generation = await startGeneration(world, { fal: "size=200mb" });
  const lost = generation.poll();
  await until("the copy is under way", async () => {
    const [job] = await world.sql`select stage from video_jobs where job_id = ${generation.jobId}`;
    return job?.stage === "storing";
  });
  await crash();
  assert.equal((await lost).status, 502);
  assert.equal((await generation.poll()).body.status, "processing");
  let end = await generation.poll(COPY_LEASE_SECONDS);
  await until("the second copy is made", async () => {
    end = await generation.poll(0);
    return end.body.status === "completed";
  });
  await assertPaidOnce(world, generation, end);
  const files = await world.sql`select name from storage.objects where name like ${`%${generation.jobId}%`}`;
  assert.equal(files.length, 1);
});

Deno.test("a request whose charge did not reach the database answers 503, and may be sent again with its key", async () => {
  const request = await prepareGeneration(world);
  const refused = await withFault("start_generation", "drop", request.send);
  assert.deepEqual([refused.status, refused.body.code], [503, "unavailable"]);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  assert.equal(await world.balance(request.user), 100);

  const generation = followGeneration(world, request, await request.send());
  assert.equal(generation.answer.headers.get("x-idempotent-replay"), null);
  await assertPaidOnce(world, generation, await generation.poll());
});

Deno.test("a request whose charge was made but not confirmed answers 503, and its key finds the job", async () => {
  const request = await prepareGeneration(world);
  const refused = await withFault("start_generation", "drop-reply", request.send);
  assert.deepEqual([refused.status, refused.body.code], [503, "unavailable"]);

  const generation = followGeneration(world, request, await request.send());
  await assertReplays(generation);
  await assertPaidOnce(world, generation, await generation.outcome());
  assert.equal(generation.runs().length, 1);
});

Deno.test("an acceptance that could not be recorded leads to one more attempt after the grace time", async () => {
  const generation = await withFault("record_submission", "drop", () => startGeneration(world));
  assert.deepEqual([generation.answer.status, generation.answer.body.status], [200, "pending"]);
  assert.equal((await generation.poll(GRACE_SECONDS - 20)).body.status, "pending");
  await assertPaidOnce(world, generation, await generation.outcome());
  assert.equal(generation.runs().length, 2);
});

Deno.test("an acceptance that was recorded but not confirmed needs no second attempt", async () => {
  const generation = await withFault("record_submission", "drop-reply", () => startGeneration(world));
  assert.equal(generation.answer.status, 200);
  await assertPaidOnce(world, generation, await generation.poll());
  assert.equal(generation.runs().length, 1);
});

for (const name of ["record_progress", "advance_step", "complete_job"]) {
  for (const fault of ["drop", "drop-reply"] as const) {
    Deno.test(`${name} met by "${fault}" delays a job, and it is delivered and paid for once`, async () => {
      const generation = await startGeneration(world, name === "record_progress" ? { fal: "run=1h" } : {});
      const polled = await withFault(name, fault, generation.poll);
      assert.deepEqual([polled.status, polled.body.status], [200, "processing"]);
      const [run] = generation.runs();
      if (run?.state !== "COMPLETED") simulatorOf(world).finish(String(run?.id));
      await assertPaidOnce(world, generation, await generation.outcome());
      assert.equal(generation.runs().length, 1);
    });
  }
}

for (const fault of ["drop", "drop-reply"] as const) {
  Deno.test(`a refund met by "${fault}" after a failed run is made once`, async () => {
    const generation = await startGeneration(world, { fal: "content_policy" });
    assert.equal((await withFault("fail_job", fault, generation.poll)).status, 200);
    await assertRefundedOnce(world, generation, await generation.outcome(), "content_policy");
  });
}

Deno.test("a refused submission whose refund could not be written is refunded by a later check", async () => {
  const generation = await withFault("fail_job", "drop", () => startGeneration(world, { fal: "submit_locked" }));
  assert.deepEqual([generation.answer.status, generation.answer.body.status], [200, "pending"]);
  await assertRefundedOnce(world, generation, await generation.outcome(), "provider_locked");
});

Deno.test("a refused submission whose refund was made but not confirmed is refunded once, and the key replays it", async () => {
  const generation = await withFault("fail_job", "drop-reply", () => startGeneration(world, { fal: "submit_locked" }));
  await assertRefundedOnce(world, generation, await generation.poll(), "provider_locked");
  const replay = await generation.send();
  assert.deepEqual([replay.status, replay.body.code, replay.body.credits_refunded], [500, "provider_failed", PRICE]);
});

Deno.test("a poll while the database is out of reach answers 503, and does not harm the job", async () => {
  const generation = await startGeneration(world);
  const refused = await withFault("read_job", "drop", generation.poll);
  assert.deepEqual([refused.status, refused.body.code], [503, "unavailable"]);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  await assertPaidOnce(world, generation, await generation.poll());
});
