import assert from "node:assert/strict";
import { z } from "zod";
import type { SubmittedRequest } from "../../local/simulators/fal/simulator.ts";
import { simulatorOf } from "./generation.ts";
import { LIGHTHOUSE, type World } from "./harness.ts";

/**
 * The middle of the usual run, where the pause between two checks is the longest: a test that takes seconds sees each run
 * checked once.
 */
const AGE_SECONDS = 40;
const jobsSchema = z.array(z.object({ job_id: z.string() }));

/**
 * Makes charged jobs that wait for these runs of the provider and are due, in the order of the runs. The usual procedures
 * make them, in one statement.
 */
export async function insertRunningJobs({ sql, travel }: World, runIds: readonly string[]): Promise<string[]> {
  const userId = crypto.randomUUID();
  // What earlier tests made has taught shorter runs.
  await sql`delete from private.run_times`;
  await sql`update app_settings set active_jobs_per_user = 10000, generations_per_hour = 10000`;
  await sql`insert into auth.users (id) values (${userId})`;
  await sql`select add_credits(${userId}, ${5 * runIds.length}, 'test')`;
  const jobs = jobsSchema.parse([
    ...await sql`
      select work ->> 'job_id' as job_id, record_submission((work ->> 'job_id')::uuid, 1, run_id)
      from unnest(${[...runIds]}::text[]) with ordinality as runs (run_id, place),
        lateral (select start_generation(${userId}, run_id, 'hash', ${sql.json(LIGHTHOUSE)})
          -> 'leased_job' as work) as started
      order by place`,
  ]);
  await travel(AGE_SECONDS);
  return jobs.map(({ job_id }) => job_id);
}

/** Starts runs at the simulator, with a due job for each. */
export async function startRuns(
  world: World,
  count: number,
  prompt = "A lighthouse",
): Promise<{ jobId: string; run: Readonly<SubmittedRequest> }[]> {
  const simulator = simulatorOf(world);
  const before = simulator.requests.length;
  await Promise.all(Array.from({ length: count }, async () => {
    const response = await fetch(`${simulator.url}/fal-ai/kling-video/v3/standard/text-to-video`, {
      method: "POST",
      headers: { authorization: `Key ${simulator.key}`, "content-type": "application/json" },
      body: JSON.stringify({ prompt }),
    });
    assert.equal(response.status, 200, await response.text());
  }));
  const runs = simulator.requests.slice(before);
  const jobs = await insertRunningJobs(world, runs.map(({ id }) => id));
  return runs.map((run, index) => ({ jobId: String(jobs[index]), run }));
}
