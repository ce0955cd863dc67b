// What the owner of a job sees of its runs.
import assert from "node:assert/strict";
import { finishRun, INSTANT, simulatorOf, startGeneration } from "../support/generation.ts";
import { KLING, useWorld } from "../support/harness.ts";
import { thumbnailEnded } from "../support/thumbnail.ts";

// Instant runs: a test that moves the clock must not wait for a real run.
const world = useWorld({ falSimulator: INSTANT });

Deno.test("a job shows its owner how often it was submitted, and its id at the provider", async () => {
  const generation = await startGeneration(world, { fal: "internal_server_error times=1" });
  const model = "fal-ai/kling-video/v3/standard/text-to-video";
  const first = generation.runs()[0]?.id;
  const early = await world.status(generation.user, generation.jobId);
  assert.deepEqual([early.body.attempts, early.body.provider], [1, { name: "fal", model, request_id: first }]);

  const end = await generation.outcome();
  const second = generation.runs()[1]?.id;
  assert.equal(end.body.status, "completed");
  assert.deepEqual([end.body.attempts, end.body.provider], [2, { name: "fal", model, request_id: second }]);
  const listed = await world.call("videos", { method: "GET", user: generation.user });
  assert.match(JSON.stringify(listed.body), new RegExp(`"attempts":2.*"request_id":"${second}"`));
  const ours = /lease|deadline|webhook|next_check|artifacts|_hash/;
  assert.doesNotMatch(JSON.stringify([early.body, Object.keys(end.body), listed.body]), ours);
  await world.audit();
});

Deno.test("a client that has the newest version gets another attempt as a change, not 304", async () => {
  const generation = await startGeneration(world, { fal: "internal_server_error times=1" });
  const before = await world.status(generation.user, generation.jobId);
  const etag = before.headers.get("etag") ?? "";
  await generation.outcome();
  const after = await world.status(generation.user, generation.jobId, { "If-None-Match": etag });
  assert.deepEqual([after.status, after.body.attempts], [200, 2]);
});

Deno.test("a submission that is refused is an attempt without an id", async () => {
  const generation = await startGeneration(world, { fal: "submit_401" });
  const { body } = await world.status(generation.user, generation.jobId);
  assert.equal(body.status, "failed");
  assert.deepEqual([body.attempts, Object(body.provider).request_id], [1, null]);
});

Deno.test("the provider of the thumbnail is not shown as the video's", async () => {
  await world.sql`update pipeline_steps set is_available = true where name = 'thumbnail'`;
  try {
    const generation = await startGeneration(world, { body: { model_id: KLING } });
    finishRun(world, generation);
    await generation.outcome();
    await thumbnailEnded(world, generation.jobId);
    const { body } = await generation.poll(0);
    const runs = simulatorOf(world).requests.filter(({ endpoint }) => endpoint === "fal-ai/ffmpeg-api/extract-frame");
    assert.equal(runs.length, 1);
    assert.deepEqual([body.attempts, Object(body.provider).request_id], [1, generation.runs()[0]?.id]);
  } finally {
    await world.sql`update pipeline_steps set is_available = false where name = 'thumbnail'`;
  }
});
