// What a provider accepted is recorded after the answer. Whatever comes between the two, the user pays once or not at
// all, nobody is told something wrong, and no run is paid for that would not be without it.
import assert from "node:assert/strict";
import { z } from "zod";
import {
  assertPaidOnce,
  assertRefundedOnce,
  ENDLESS,
  finishRun,
  followGeneration,
  type Generation,
  prepareGeneration,
  PRICE,
  simulatorOf,
} from "../support/generation.ts";
import { until, useWorld } from "../support/harness.ts";

const GRACE_SECONDS = 120;
const RECORD = "/rest/v1/rpc/record_submission";

const world = useWorld({ webhooks: true, falSimulator: ENDLESS });

/** Does the work between the answer to a request and the record of its submission, then lets the record go on. */
async function beforeTheRecord(work: (generation: Generation) => Promise<void>): Promise<Generation> {
  const request = await prepareGeneration(world);
  const release = world.gateway.hold(RECORD);
  try {
    const generation = followGeneration(world, request, await request.send({ settles: false }));
    assert.deepEqual([generation.answer.status, generation.answer.body.status], [200, "pending"]);
    assert.equal(generation.runs().length, 1);
    await work(generation);
    return generation;
  } finally {
    release();
    await world.functions.rest();
  }
}

const progressSchema = z.object({ stage: z.string() });
const jobOf = ({ user, jobId }: Generation) => world.status(user, jobId);

async function assertRunIsStopped(generation: Generation): Promise<void> {
  await until("the run is cancelled", () => generation.runs()[0]?.cancelled === true);
  assert.equal(generation.runs().length, 1);
  assert.equal(await world.balance(generation.user), 100);
}

Deno.test("before the record a poll says submitting, and asks the provider nothing; afterwards the job goes on", async () => {
  const generation = await beforeTheRecord(async (generation) => {
    const { body } = await jobOf(generation);
    assert.deepEqual([body.status, progressSchema.parse(body.progress).stage], ["pending", "submitting"]);
    assert.equal(generation.runs()[0]?.calls.status, 0);
  });
  assert.equal((await jobOf(generation)).body.status, "processing");
  finishRun(world, generation);
  await world.functions.rest();
  await assertPaidOnce(world, generation, await generation.outcome());
  assert.equal(generation.runs().length, 1);
});

Deno.test("before the record the worker finds nothing to do", async () => {
  const generation = await beforeTheRecord(async ({ jobId }) => {
    await world.travel(GRACE_SECONDS - 20);
    assert.equal((await world.tick()).status, 200);
    const [queued] = await world.sql`select attempt from private.job_queue where job_id = ${jobId}`;
    assert.equal(queued?.attempt, 1);
  });
  assert.equal((await jobOf(generation)).body.status, "processing");
  assert.equal(generation.runs().length, 1);
});

Deno.test("a replay before the record is the same answer, and submits nothing", async () => {
  const generation = await beforeTheRecord(async ({ answer, send }) => {
    const replay = await send({ settles: false });
    assert.deepEqual([replay.status, replay.body], [200, answer.body]);
  });
  assert.equal((await jobOf(generation)).body.status, "processing");
  assert.equal(generation.runs().length, 1);
});

Deno.test("a webhook before the record adopts the run, and the late record changes nothing", async () => {
  const generation = await beforeTheRecord(async (generation) => {
    finishRun(world, generation);
    await until("the video is delivered", async () => (await jobOf(generation)).body.status === "completed");
  });
  await assertPaidOnce(world, generation, await jobOf(generation));
  assert.equal(generation.runs().length, 1);
  assert.equal(generation.runs()[0]?.cancelled, false);
  assert.doesNotMatch(world.functions.log.join("\n"), new RegExp(`"run_wasted".*${generation.jobId}`));
});

Deno.test("a video that is cancelled before the record is refunded once, and its run is stopped", async () => {
  const generation = await beforeTheRecord(async ({ user, jobId }) => {
    assert.equal((await world.call(`videos/${jobId}/cancel`, { user })).status, 200);
  });
  await assertRefundedOnce(world, generation, await jobOf(generation), "cancelled");
  await assertRunIsStopped(generation);
});

Deno.test("a video that is deleted before the record is refunded once, and its run is stopped", async () => {
  const generation = await beforeTheRecord(async ({ user, jobId }) => {
    const { body } = await world.call("videos", { method: "DELETE", user, body: { job_ids: [jobId] } });
    assert.deepEqual(body.deleted, [jobId]);
  });
  assert.equal((await jobOf(generation)).status, 404);
  assert.deepEqual(await generation.ledger(), [-PRICE, PRICE]);
  await assertRunIsStopped(generation);
});

Deno.test("the run of an account that is deleted before the record is stopped", async () => {
  const generation = await beforeTheRecord(async ({ user }) => {
    assert.equal((await world.call("account", { method: "DELETE", user })).status, 200);
  });
  await until("the run is cancelled", () => generation.runs()[0]?.cancelled === true);
  await world.audit();
});

Deno.test("functions that die between answer and record: the run's webhook adopts it, without another attempt", async () => {
  const generation = await beforeTheRecord(async () => {
    await world.functions.kill();
    await world.functions.restart();
  });
  // The gateway lets the call of the dead process through, as a network may.
  finishRun(world, generation);
  await until("the video is delivered", async () => (await jobOf(generation)).body.status === "completed");
  await assertPaidOnce(world, generation, await jobOf(generation));
  assert.equal(generation.runs().length, 1);
});

Deno.test("a record that meets one fault is repeated, so that no second run is paid for", async () => {
  world.gateway.fail(RECORD, 503, 1);
  const request = await prepareGeneration(world);
  const generation = followGeneration(world, request, await request.send());
  assert.equal((await generation.poll(GRACE_SECONDS + 20)).body.status, "processing");
  assert.equal(generation.runs().length, 1);
});

for (const fault of ["drop", 500, 503] as const) {
  Deno.test(`a record that always meets ${fault} is a submission without an answer: one more attempt after the grace time`, async () => {
    world.gateway.fail(RECORD, fault);
    const request = await prepareGeneration(world);
    const generation = followGeneration(world, request, await request.send());
    world.gateway.clearFaults();
    assert.equal(generation.answer.status, 200);
    assert.equal((await generation.poll(GRACE_SECONDS - 20)).body.status, "pending");
    assert.equal(generation.runs().length, 1);
    assert.equal((await generation.poll(40)).body.status, "processing");
    assert.equal(generation.runs().length, 2);
    simulatorOf(world).finish(String(generation.runs()[1]?.id));
    await until("the video is delivered", async () => (await jobOf(generation)).body.status === "completed");
    await assertPaidOnce(world, generation, await jobOf(generation));
    assert.deepEqual(await generation.ledger(), [-PRICE]);
  });
}
