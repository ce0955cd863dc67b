// Progress on the local stack as `task dev` starts it, polled as `Retry-After` says.
import assert from "node:assert/strict";
import { z } from "zod";
import { offerModels } from "../../local/stack/simulated-models.ts";
import { startGeneration } from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";

const world = useWorld({ falSimulator: { queueMs: 600, runMs: 3000 } });

const jobSchema = z.object({
  status: z.string(),
  progress: z.object({ percent: z.number() }),
  poll_after_ms: z.number().nullable(),
});

Deno.test("the progress of a simulated video only grows, from 0 to 100", async () => {
  await world.sql`update pipeline_steps set is_available = true where name = 'thumbnail'`;
  await offerModels(world.databaseUrl, ["fal"]);
  const generation = await startGeneration(world);
  const seen = [0];
  while (true) {
    const answer = await world.status(generation.user, generation.jobId);
    const job = jobSchema.parse(answer.body);
    seen.push(job.progress.percent);
    if (job.poll_after_ms === null) break;
    assert.ok(job.progress.percent < 100, `${seen}`);
    await new Promise((resolve) => setTimeout(resolve, job.poll_after_ms ?? 0));
  }
  assert.equal(seen.at(-1), 100);
  const steps = seen.slice(1).map((percent, index) => percent - (seen[index] ?? 0));
  assert.ok(steps.every((step) => step >= 0), `the percentage falls: ${seen}`);
  assert.ok(new Set(seen).size >= 3, `hardly any movement: ${seen}`);
});
