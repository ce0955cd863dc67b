// Files that only we can open (Google's) and files that Storage refuses: the video is delivered, or refunded.
import assert from "node:assert/strict";
import {
  assertPaidOnce,
  download,
  type Generation,
  INSTANT,
  simulatorOf,
  startGeneration,
} from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";

const GOOGLES_VEO = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000a";
const UPLOAD = "/storage/v1/object/videos/";
/** Beyond the deadline of any video here. */
const DEADLINE_SECONDS = 3600;

const world = useWorld({ falSimulator: INSTANT, veoSimulator: { runMs: 0 } });

Deno.test.afterEach(() => world.gateway.clearFaults());

const startVeo = () => startGeneration(world, { body: { model_id: GOOGLES_VEO } });

/** The events of that level in the functions' log about a job. */
function alertsOf({ jobId }: Generation): string[] {
  return world.functions.log.filter((line) => line.includes(jobId) && line.includes('"alert"'))
    .map((line) => /"event":"(\w+)"/.exec(line)?.[1] ?? "");
}

Deno.test("charged, never delivered: a video of Google's is not completed while Storage fails, but when it is back", async () => {
  const generation = await startVeo();
  world.gateway.fail(UPLOAD, 500);
  for (let count = 0; count < 4; count++) {
    const { body } = await generation.poll(60);
    assert.deepEqual([body.status, body.video_url], ["processing", null]);
  }
  world.gateway.clearFaults();
  const { body } = await generation.poll(900);
  assert.equal(body.status, "completed");
  assert.ok((await download(body.video_url)).length > 10_000);
  assert.deepEqual(await generation.ledger(), [-8]);
  await world.audit();
});

Deno.test("charged, never delivered: one that cannot be stored until its deadline fails, and is refunded", async () => {
  const generation = await startVeo();
  world.gateway.fail(UPLOAD, 500);
  await generation.poll();
  const { body } = await generation.poll(DEADLINE_SECONDS);
  assert.deepEqual([body.status, body.error_code, body.video_url], ["failed", "storage_failed", null]);
  assert.equal(body.error_message, "The finished video could not be stored: try again later");
  assert.deepEqual(await generation.ledger(), [-8, 8]);
  assert.deepEqual(alertsOf(generation), ["video_lost"]);
  await world.audit();
});

Deno.test("at its deadline it is tried once more, and delivered if that goes well", async () => {
  const generation = await startVeo();
  world.gateway.fail(UPLOAD, 500);
  await generation.poll();
  world.gateway.clearFaults();
  assert.equal((await generation.poll(DEADLINE_SECONDS)).body.status, "completed");
  assert.deepEqual(await generation.ledger(), [-8]);
});

Deno.test("one that Storage refuses for its size fails at once, refunded, where only we can open it", async () => {
  const generation = await startVeo();
  world.gateway.fail(UPLOAD, 413);
  const { body } = await generation.poll();
  assert.deepEqual([body.status, body.error_code], ["failed", "storage_failed"]);
  assert.deepEqual(await generation.ledger(), [-8, 8]);
  assert.deepEqual(alertsOf(generation), ["video_lost"]);
});

Deno.test("one that Storage refuses for its size is delivered by its provider where others can open it, and not tried again", async () => {
  const generation = await startGeneration(world);
  world.gateway.fail(UPLOAD, 413);
  const delivered = await generation.poll();
  await assertPaidOnce(world, generation, delivered);
  assert.equal(
    delivered.body.video_url,
    `${simulatorOf(world).url}/files/${generation.runs()[0]?.id}/output.mp4`,
  );
  assert.deepEqual(alertsOf(generation), ["copy_given_up"]);
  world.gateway.clearCalls();
  assert.deepEqual((await generation.poll(86_400)).body, delivered.body);
  assert.deepEqual(world.gateway.calls.filter(({ path }) => path.startsWith(UPLOAD)), []);
});
