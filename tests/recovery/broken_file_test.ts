// Files of the provider that end or stall half way.
import assert from "node:assert/strict";
import { assertRefundedOnce, type Generation, INSTANT, startGeneration } from "../support/generation.ts";
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

/** Whether a worker is still copying the video. */
async function isBeingCopied({ jobId }: Generation): Promise<boolean> {
  const [job] = await world.sql`
    select stage = 'storing' and lease_until > private.clock() as copying
    from video_jobs join private.job_queue using (job_id) where job_id = ${jobId}`;
  return job?.copying === true;
}

Deno.test("a file that stalls does not keep a poll waiting, and is read by one request at a time", async () => {
  const generation = await startGeneration(world, { fal: "media_stalled" });
  for (const poll of ["first", "second"]) {
    assert.equal((await generation.poll()).body.status, "processing");
    assert.ok(await isBeingCopied(generation), `the ${poll} poll was answered only after the copy`);
  }
  assert.equal(generation.runs()[0]?.calls.file, 1, "the file is read twice at a time");
});
