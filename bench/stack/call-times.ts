import type postgres from "postgres";
import { median } from "../measure/statistics.ts";
import type { BenchDatabase } from "./bench-database.ts";
import { MODEL } from "./requests.ts";
import { insertUsers } from "./users.ts";

/** Milliseconds of one call of each procedure, the median of many over one connection. */
export interface CallTimes {
  start: number;
  record: number;
  lease: number;
  complete: number;
  fail: number;
}

/** One side's calls. Each is one round trip and one transaction. */
export interface Calls {
  start(service: postgres.Sql, userId: string): Promise<string>;
  record(service: postgres.Sql, jobId: string): Promise<unknown>;
  lease(service: postgres.Sql): Promise<unknown>;
  complete(service: postgres.Sql, jobId: string): Promise<unknown>;
  fail(service: postgres.Sql, jobId: string): Promise<unknown>;
}

/** The request of every job. */
export const REQUEST = {
  model_id: MODEL,
  prompt: "A glowing cityscape at night, seen from a slow train that crosses a bridge",
  settings: { duration: 5, aspect_ratio: "16:9" },
};

const HASH = "0".repeat(64);

/** Our procedures, as the functions call them. */
export const OUR_CALLS: Calls = {
  async start(service, userId) {
    const [row] = await service`
      select start_generation(${userId}, ${crypto.randomUUID()}, ${HASH}, ${service.json(REQUEST)}) as answer`;
    return String(row?.answer.response.job_id);
  },
  record: (service, jobId) => service`select record_submission(${jobId}, 1, ${`run-${jobId}`}) as answer`,
  lease: (service) => service`select lease_due_jobs(1, 60) as answer`,
  complete: (service, jobId) => service`select complete_job(${jobId}, 1, ${`videos/${jobId}.mp4`}) as answer`,
  fail: (service, jobId) => service`select fail_job(${jobId}, 1, 'provider_error', 'The provider failed') as answer`,
};

/** Calls each procedure `count` times, for jobs of as many new users. */
export async function timeCalls({ sql, service }: BenchDatabase, calls: Calls, count: number): Promise<CallTimes> {
  const users = await insertUsers(sql, count);
  const jobs: string[] = [];
  const start = await medianOf(users, async (user) => jobs.push(await calls.start(service, user)));
  const record = await medianOf(jobs, (job) => calls.record(service, job));
  await sql`
    update private.job_queue set next_check_at = now() - interval '1 minute', lease_until = null
    where job_id = any (${jobs}::uuid[])`;
  const lease = await medianOf(jobs, () => calls.lease(service));
  await sql`
    update private.job_queue set step = jsonb_array_length(steps), next_check_at = now() + interval '1 hour'
    where job_id = any (${jobs}::uuid[])`;
  await sql`update video_jobs set step = steps, stage = 'storing' where job_id = any (${jobs}::uuid[])`;
  const half = Math.ceil(count / 2);
  const complete = await medianOf(jobs.slice(0, half), (job) => calls.complete(service, job));
  const fail = await medianOf(jobs.slice(half), (job) => calls.fail(service, job));
  await requireEnds(sql, jobs);
  return { start, record, lease, complete, fail };
}

/** The median time of one call, in milliseconds. */
export async function medianOf<Item>(items: readonly Item[], call: (item: Item) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (const item of items) {
    const begun = performance.now();
    await call(item);
    times.push(performance.now() - begun);
  }
  return median(times);
}

/** A procedure that refuses a call takes less time. */
async function requireEnds(sql: postgres.Sql, jobs: readonly string[]): Promise<void> {
  const [left] = await sql`
    select count(*)::integer as jobs from video_jobs
    where job_id = any (${jobs}::uuid[]) and status not in ('completed', 'failed')`;
  if (left?.jobs !== 0) throw new Error(`${left?.jobs} jobs were not ended.`);
}
