// A webhook only saves time: without it the first tick after the job's next check is due sees the run's end.
import assert from "node:assert/strict";
import {
  assertPaidOnce,
  assertRefundedOnce,
  ENDLESS,
  finishRun,
  type Generation,
  simulatorOf,
  startGeneration,
} from "../support/generation.ts";
import { until, useWorld } from "../support/harness.ts";

const world = useWorld({ webhooks: true, falSimulator: ENDLESS });

const FIRST_CHECK_SECONDS = 2;
const LONGEST_PAUSE_SECONDS = 15;
const GRACE_SECONDS = 120;

Deno.test.beforeEach(() => simulatorOf(world).configure({ webhooks: false }));

async function statusOf({ jobId }: Generation): Promise<string> {
  const [job] = await world.sql`select status from video_jobs where job_id = ${jobId}`;
  return String(job?.status);
}

/** Lets time pass, and calls the worker once. */
async function tickAfter(seconds: number): Promise<void> {
  await world.travel(seconds);
  assert.equal((await world.tick()).status, 200);
}

Deno.test("a finished run is delivered by the first tick after its next check is due, and not before", async () => {
  const generation = await startGeneration(world);
  finishRun(world, generation);
  await tickAfter(0);
  assert.equal(await statusOf(generation), "processing");
  await tickAfter(FIRST_CHECK_SECONDS);
  assert.equal(await statusOf(generation), "completed");
  await assertPaidOnce(world, generation, await generation.poll(0));
});

Deno.test("a failed run is refunded by the first tick after its next check is due", async () => {
  const generation = await startGeneration(world);
  const [run] = generation.runs();
  simulatorOf(world).fail(String(run?.id), "content_policy_violation");
  await tickAfter(FIRST_CHECK_SECONDS);
  assert.equal(await statusOf(generation), "failed");
  await assertRefundedOnce(world, generation, await generation.poll(0), "content_policy");
});

for (const age of [10, 60, 300, 1500]) {
  Deno.test(`the end of a run ${age} seconds old is seen within ${LONGEST_PAUSE_SECONDS} seconds and a tick`, async () => {
    const generation = await startGeneration(world);
    await tickAfter(age);
    finishRun(world, generation);
    await tickAfter(LONGEST_PAUSE_SECONDS);
    assert.equal(await statusOf(generation), "completed");
    await assertPaidOnce(world, generation, await generation.poll(0));
  });
}

Deno.test("twenty finished runs whose webhooks are lost are delivered by one tick", async () => {
  const generations = await Promise.all(Array.from({ length: 20 }, () => startGeneration(world)));
  for (const generation of generations) finishRun(world, generation);
  await tickAfter(FIRST_CHECK_SECONDS);
  const ends = await Promise.all(generations.map(statusOf));
  assert.deepEqual(new Set(ends), new Set(["completed"]));
  await world.audit();
});

Deno.test("a webhook that came while the functions were down is lost, and the next tick delivers the video", async () => {
  const generation = await startGeneration(world);
  simulatorOf(world).configure({ webhooks: true, webhookBackoffMs: 3_600_000 });
  await world.functions.kill();
  finishRun(world, generation);
  await until("the webhook has failed", () => generation.runs()[0]?.webhooks.length === 1);
  await world.functions.restart();
  assert.equal(await statusOf(generation), "processing");
  await tickAfter(FIRST_CHECK_SECONDS);
  assert.equal(await statusOf(generation), "completed");
  await assertPaidOnce(world, generation, await generation.poll(0));
});

Deno.test("a webhook that comes after the tick has delivered changes nothing", async () => {
  const generation = await startGeneration(world);
  finishRun(world, generation);
  await tickAfter(FIRST_CHECK_SECONDS);
  const before = await generation.poll(0);
  const [delivery] = await simulatorOf(world).deliverWebhook(String(generation.runs()[0]?.id));
  assert.equal(delivery?.status, 200);
  const after = await generation.poll(0);
  assert.deepEqual({ ...after.body, video_url: null }, { ...before.body, video_url: null });
  await assertPaidOnce(world, generation, after);
});

Deno.test("with the answer to the submission lost too, the next attempt is made by the first tick after the grace time", async () => {
  const generation = await startGeneration(world, { fal: "submit_drop_after times=1" });
  finishRun(world, generation);
  await tickAfter(GRACE_SECONDS - 10);
  assert.deepEqual([await statusOf(generation), generation.runs().length], ["pending", 1]);
  await tickAfter(10);
  assert.deepEqual([await statusOf(generation), generation.runs().length], ["processing", 2]);
  finishRun(world, generation);
  await tickAfter(LONGEST_PAUSE_SECONDS);
  await assertPaidOnce(world, generation, await generation.poll(0));
});
