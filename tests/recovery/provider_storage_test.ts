// A deployment that does not copy videos to our Storage.
import assert from "node:assert/strict";
import { assertPaidOnce, download, INSTANT, simulatorOf, startGeneration } from "../support/generation.ts";
import { KLING, useWorld } from "../support/harness.ts";
import { thumbnailEnded } from "../support/thumbnail.ts";

const world = useWorld({ falSimulator: INSTANT, functionsEnvironment: { VIDEO_STORAGE: "provider" } });

Deno.test.afterEach(async () => {
  await world.sql`update models set files_are_public = true where id = ${KLING}`;
  await world.sql`update pipeline_steps set is_available = false where name = 'thumbnail'`;
});

Deno.test("with VIDEO_STORAGE=provider a job is delivered by the provider's own URL, without a call to Storage", async () => {
  const generation = await startGeneration(world);
  world.gateway.clearCalls();
  const delivered = await generation.poll();
  await assertPaidOnce(world, generation, delivered);
  const [run] = generation.runs();
  assert.equal(delivered.body.video_url, `${simulatorOf(world).url}/files/${run?.id}/output.mp4`);
  assert.equal(run?.calls.file, 0, "the functions read the video");
  assert.deepEqual(world.gateway.calls.filter(({ path }) => path.startsWith("/storage/")), []);
  await download(delivered.body.video_url);
});

Deno.test("with VIDEO_STORAGE=provider a delivered job is never taken up again", async () => {
  const generation = await startGeneration(world);
  const delivered = await generation.poll();
  world.gateway.clearCalls();
  assert.deepEqual((await generation.poll(86_400)).body, delivered.body);
  assert.deepEqual(world.gateway.calls.map(({ path }) => path).filter((path) => path.startsWith("/storage/")), []);
});

Deno.test("with VIDEO_STORAGE=provider the video of a model with private files and its thumbnail are our copies", async () => {
  await world.sql`update pipeline_steps set is_available = true where name = 'thumbnail'`;
  await world.sql`update models set files_are_public = false where id = ${KLING}`;
  const generation = await startGeneration(world);
  await generation.poll();
  // Once the copy fails: the frame's own address is nobody's to see, so it is copied again.
  world.gateway.fail(`/storage/v1/object/videos/${generation.user.id}/${generation.jobId}_thumb.jpg`, 500, 1);
  await thumbnailEnded(world, generation.jobId);
  world.gateway.clearFaults();
  const { body } = await generation.poll(0);
  for (const url of [body.video_url, body.thumbnail_url]) assert.match(String(url), /\/storage\/v1\/object\/sign\//);
});
