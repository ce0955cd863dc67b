// The moment from which a client knows of the end of its job, as the answers of the functions make it known.
import assert from "node:assert/strict";
import { ENDLESS, finishRun, type Generation, startGeneration } from "../support/generation.ts";
import { until, useWorld } from "../support/harness.ts";

const NEXT_LOOK_SECONDS = 20;
const UPLOAD = "/storage/v1/object/videos/";

const world = useWorld({ falSimulator: ENDLESS });

interface Timings {
  queued: number;
  generating: number;
  storing: number | null;
  told: number | null;
  total: number;
}

async function timingsOf({ jobId }: Generation): Promise<Timings | undefined> {
  const [row] = await world.sql<Timings[]>`
    select queued::float, generating::float, storing::float, told::float, total::float
    from private.job_timings where job_id = ${jobId}`;
  return row;
}

/** A video that the worker delivers while its owner does not ask. */
async function deliveredUnseen(): Promise<Generation> {
  const generation = await startGeneration(world);
  finishRun(world, generation);
  await world.travel(NEXT_LOOK_SECONDS);
  await world.tick();
  await until("the video is delivered", async () => await timingsOf(generation) !== undefined);
  return generation;
}

/** The tests' clock runs on between two calls. */
function assertAbout(actual: number | null | undefined, seconds: number): void {
  assert.ok(
    typeof actual === "number" && actual >= seconds && actual < seconds + 15,
    `${actual} is not about ${seconds}`,
  );
}

Deno.test("a poll that ends the job itself tells its end at once", async () => {
  const generation = await startGeneration(world);
  finishRun(world, generation);
  assert.equal((await generation.poll()).body.status, "completed");
  const timings = await timingsOf(generation);
  assert.equal(timings?.told, 0);
  assertAbout(timings?.total, NEXT_LOOK_SECONDS);
});

Deno.test("a video that the worker delivered is told by the first poll after it, and later polls change nothing", async () => {
  const generation = await deliveredUnseen();
  assert.equal((await timingsOf(generation))?.told, null);
  assert.equal((await generation.poll(100)).body.status, "completed");
  const told = (await timingsOf(generation))?.told;
  assertAbout(told, 100);
  await generation.poll(100);
  assert.equal((await timingsOf(generation))?.told, told);
});

Deno.test("a video that the worker delivered is told by a list", async () => {
  const generation = await deliveredUnseen();
  await world.travel(50);
  await world.call("videos", { method: "GET", user: generation.user });
  assertAbout((await timingsOf(generation))?.told, 50);
});

Deno.test("a poll that did not wait for the copy tells nothing, the next one does", async () => {
  const generation = await startGeneration(world);
  finishRun(world, generation);
  const release = world.gateway.hold(UPLOAD);
  try {
    assert.equal((await generation.poll()).body.status, "processing");
  } finally {
    release();
  }
  await until("the video is delivered", async () => await timingsOf(generation) !== undefined);
  assert.equal((await timingsOf(generation))?.told, null);
  assert.equal((await generation.poll(30)).body.status, "completed");
  assertAbout((await timingsOf(generation))?.told, 30);
});

Deno.test("who cancels a video knows of its end at once", async () => {
  const cancelled = await startGeneration(world);
  await world.call(`videos/${cancelled.jobId}/cancel`, { user: cancelled.user });
  assert.equal((await timingsOf(cancelled))?.told, 0);
});

Deno.test("a poll does not wait for its measurement while another transaction has the job", async () => {
  const generation = await deliveredUnseen();
  await world.sql.begin(async (transaction) => {
    await transaction`select from private.job_queue where job_id = ${generation.jobId} for update`;
    assert.equal((await generation.poll()).body.status, "completed");
  });
  assert.equal((await timingsOf(generation))?.told, null);
  await generation.poll();
  assertAbout((await timingsOf(generation))?.told, 2 * NEXT_LOOK_SECONDS);
});

Deno.test("no answer to a client has the timings", async () => {
  const generation = await deliveredUnseen();
  const { body } = await generation.poll();
  for (const field of ["timings", "told_at", "made_at", "generating_seconds"]) assert.ok(!(field in body), field);
});
