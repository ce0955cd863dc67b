// Claim: no procedure gets slower as jobs pile up, even with thousands under way that the planner does not know of.
import type postgres from "postgres";
import type { Benchmark } from "../measure/benchmark.ts";
import { compare, inTurn } from "../measure/comparison.ts";
import { type BenchDatabase, withBenchDatabase } from "../stack/bench-database.ts";
import { medianOf, OUR_CALLS, timeCalls } from "../stack/call-times.ts";
import { addUnfinishedJobs, HEAVY_USER, writeHistory } from "../stack/history.ts";

const SMALL = 10_000;
const GOAL = { atMost: 1.25 };
const CALLS_A_SECOND = 10;

type Read = (service: postgres.Sql, jobId: string, since: string) => Promise<unknown>;

/** Reads of the user with the most videos; the arguments are one of them, and a time after which ten have changed. */
const READS: Record<string, Read> = {
  read_job: (service, jobId) => service`select read_job(${HEAVY_USER}, ${jobId})`,
  read_job_due: (service, jobId) => service`select lease_job(${jobId})`,
  list_videos: (service) => service`select list_videos(${HEAVY_USER}, 20)`,
  list_videos_deep: (service) =>
    service`
      select list_videos(${HEAVY_USER}, 20, null, private.to_microseconds(now() - interval '300 days'))`,
  list_videos_by_status: (service) => service`select list_videos(${HEAVY_USER}, 20, 'failed')`,
  list_videos_by_node: (service) => service`select list_videos(${HEAVY_USER}, 20, null, null, null, 'a node')`,
  changed_videos: (service, _, since) => service`select changed_videos(${HEAVY_USER}, ${since}, 20)`,
  changed_videos_since_0: (service) => service`select changed_videos(${HEAVY_USER}, 0, 100)`,
};

/** Milliseconds of a call of each procedure. */
type Times = Record<string, number>;

export const growth: Benchmark = {
  name: "growth",
  claim:
    "No procedure gets slower as jobs pile up: --size of them, with 5,000 active and 5,000 due that came after the statistics.",
  run: ({ rounds, seconds, size, fsync, onProgress }) =>
    withBenchDatabase({ onProgress, fsync }, (large) =>
      withBenchDatabase({ onProgress, fsync }, async (small) => {
        for (const [database, jobs] of [[small, SMALL], [large, size]] as const) {
          onProgress(`Writing ${jobs} jobs`);
          await writeHistory(database.sql, jobs);
        }
        await addUnfinishedJobs(large.sql, size);
        const calls = CALLS_A_SECOND * seconds;
        onProgress("Warming up");
        await timeAll(large, CALLS_A_SECOND);
        await timeAll(small, CALLS_A_SECOND);
        const results = await inTurn(
          rounds,
          (round) => {
            onProgress(`Round ${round + 1} of ${rounds}: ${size} jobs`);
            return timeAll(large, calls);
          },
          (round) => {
            onProgress(`Round ${round + 1} of ${rounds}: ${SMALL} jobs`);
            return timeAll(small, calls);
          },
        );
        return {
          comparisons: Object.keys(results[0]?.ours ?? {}).map((name) =>
            compare(
              { name: `${name}_growth`, opponent: `${name} with ${SMALL} finished jobs`, unit: "ms", goal: GOAL },
              results,
              (times) => times[name] ?? 0,
            )
          ),
          figures: [],
          postgres: large.version,
        };
      })),
};

async function timeAll(database: BenchDatabase, calls: number): Promise<Times> {
  const times: Times = {};
  const { start, record, lease, complete, fail } = await timeCalls(database, OUR_CALLS, calls);
  Object.assign(times, {
    start_generation: start,
    record_submission: record,
    lease_due_jobs: lease,
    complete_job: complete,
    fail_job: fail,
  });
  const jobs = await database.sql<{ job_id: string }[]>`
    select job_id from video_jobs where user_id = ${HEAVY_USER} limit ${calls}`;
  const [change] = await database.sql`
    select private.to_microseconds(updated_at) / 1000 as since from video_jobs
    where user_id = ${HEAVY_USER} order by updated_at desc offset 10 limit 1`;
  for (const [name, read] of Object.entries(READS)) {
    times[name] = await medianOf(jobs, ({ job_id }) => read(database.service, job_id, String(change?.since)));
  }
  return times;
}
