import { z } from "zod";
import type { BenchStack, BenchUser } from "./bench-stack.ts";
import { BODY } from "./requests.ts";

/** A job of a user, made by the functions. */
export interface BenchJob {
  user: BenchUser;
  jobId: string;
}

const startedSchema = z.object({ job_id: z.string() });
const tickSchema = z.object({ claimed: z.number() });
const TICKS = 1000;

/** Starts a job for each of so many new users. */
export async function startJobs(bench: BenchStack, count: number): Promise<BenchJob[]> {
  const jobs: BenchJob[] = [];
  for (const user of await bench.users(count)) {
    const response = await fetch(`${bench.ours}/generate-video`, {
      method: "POST",
      headers: {
        "authorization": `Bearer ${user.token}`,
        "content-type": "application/json",
        "idempotency-key": crypto.randomUUID(),
      },
      body: BODY,
    });
    jobs.push({ user, jobId: startedSchema.parse(await response.json()).job_id });
  }
  return jobs;
}

/** Starts jobs, and lets the worker deliver them: each video is in Storage then. */
export async function deliverJobs(bench: BenchStack, count: number): Promise<BenchJob[]> {
  await bench.provider.set({ endless: false });
  const jobs = await startJobs(bench, count);
  const ids = jobs.map(({ jobId }) => jobId);
  for (let tick = 0; tick < TICKS; tick++) {
    const [left] = await bench.sql`
      select count(*)::integer as jobs from video_jobs where job_id = any (${ids}::uuid[]) and status <> 'completed'`;
    if (left?.jobs === 0) return jobs;
    await bench.sql`
      update private.job_queue set next_check_at = now() where job_id = any (${ids}::uuid[]) and next_check_at > now()`;
    await callWorker(bench);
  }
  throw new Error(`${count} jobs were not delivered by ${TICKS} calls of the worker.`);
}

/** Calls the worker, and returns how many jobs it leased. */
export async function callWorker(bench: BenchStack): Promise<number> {
  const response = await fetch(`${bench.ours}/advance-jobs`, {
    method: "POST",
    headers: { apikey: bench.secretKey },
  });
  return tickSchema.parse(await response.json()).claimed;
}
