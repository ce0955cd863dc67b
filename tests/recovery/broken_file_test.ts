// Files of the provider that stop half way.
import assert from "node:assert/strict";
import { assertRefundedOnce, INSTANT, startGeneration } from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";

const world = useWorld({ falSimulator: INSTANT });

Deno.test("a file that breaks off is never delivered: the copy is repeated, and at the deadline the job fails", async () => {
  const generation = await startGeneration(world, { fal: "media_truncated" });
  const first = await generation.poll();
  assert.deepEqual([first.body.status, first.body.video_url], ["processing", null]);
  await assertRefundedOnce(world, generation, await generation.outcome(), "timeout");
  assert.ok((generation.runs()[0]?.calls.file ?? 0) > 3, "the copy was not repeated");
  const files = await world.sql`select name from storage.objects where name like ${`%${generation.jobId}%`}`;
  assert.deepEqual([...files], []);
});

Deno.test("a file that falls silent keeps no poll waiting for long, and the next one not at all", async () => {
  const generation = await startGeneration(world, { fal: "media_stalled" });
  const started = performance.now();
  assert.equal((await generation.poll()).body.status, "processing");
  const first = performance.now();
  assert.ok(first - started < 8000, `the first poll took ${first - started} ms`);
  assert.equal((await generation.poll()).body.status, "processing");
  assert.ok(performance.now() - first < 2000, `the second poll took ${performance.now() - first} ms`);
  assert.equal(generation.runs()[0]?.calls.file, 1, "the file is read twice at a time");
});
