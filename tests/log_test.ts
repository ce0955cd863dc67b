import assert from "node:assert/strict";
import { z } from "zod";
import { finishRun, INSTANT, startGeneration } from "./generation.ts";
import { useWorld } from "./harness.ts";

const world = useWorld({ falSimulator: { ...INSTANT, runMs: 3_600_000 } });

const lineSchema = z.looseObject({
  time: z.iso.datetime(),
  level: z.enum(["info", "warn", "error", "alert"]),
  event: z.string(),
  function: z.string(),
  request_id: z.string(),
});

function linesOf(jobId: string): z.infer<typeof lineSchema>[] {
  return world.functions.log.filter((line) => line.includes(jobId)).map((line) => lineSchema.parse(JSON.parse(line)));
}

Deno.test("each change of a job is one line, with its request, its job and the job's age", async () => {
  const generation = await startGeneration(world);
  finishRun(world, generation);
  assert.equal((await generation.outcome()).body.status, "completed");
  const lines = linesOf(generation.jobId);
  assert.deepEqual(lines.map(({ event }) => event), [
    "job_created",
    "submission_accepted",
    "step_finished",
    "video_stored",
    "job_completed",
  ]);
  assert.ok(lines.every((line) => line.job_id === generation.jobId));
  assert.ok(lines.slice(1).every((line) => typeof line.age_ms === "number"));
});

Deno.test("a failed job says why, and what was refunded", async () => {
  const generation = await startGeneration(world, { fal: "run=0s content_policy" });
  await generation.outcome();
  const failed = linesOf(generation.jobId).find(({ event }) => event === "job_failed");
  assert.deepEqual([failed?.code, failed?.credits_refunded], ["content_policy", 5]);
});

Deno.test("no line ever holds a token, a key, a prompt or a signed URL", async () => {
  const generation = await startGeneration(world, { body: { prompt: "a very private prompt" } });
  await generation.poll(0);
  const log = world.functions.log.join("\n");
  assert.ok(log.length > 1000);
  for (
    const secret of [generation.user.token, world.secretKey, world.publishableKey, "a very private prompt", "token="]
  ) {
    assert.ok(!log.includes(secret), secret);
  }
});
