// A deployment that does not copy videos to our Storage.
import assert from "node:assert/strict";
import { assertPaidOnce, download, INSTANT, simulatorOf, startGeneration } from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";

const world = useWorld({ falSimulator: INSTANT, functionsEnvironment: { VIDEO_STORAGE: "provider" } });

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
