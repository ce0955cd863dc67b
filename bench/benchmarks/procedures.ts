// Claim: our procedures take little more time than functions written by hand that write the same rows and check nothing.
import postgres from "postgres";
import type { Benchmark } from "../measure/benchmark.ts";
import { compare, inTurn } from "../measure/comparison.ts";
import { type BenchDatabase, withBenchDatabase } from "../stack/bench-database.ts";
import { type Calls, type CallTimes, OUR_CALLS, REQUEST, timeCalls } from "../stack/call-times.ts";
import { insertUsers } from "../stack/users.ts";

const GOAL = { atMost: 1.7 };
const CALLS_A_SECOND = 40;
const HASH = "0".repeat(64);

const PROCEDURES: [name: keyof CallTimes, what: string][] = [
  ["start", "start_generation"],
  ["record", "record_submission"],
  ["lease", "lease_due_jobs"],
  ["complete", "complete_job"],
  ["fail", "fail_job"],
];

export const procedures: Benchmark = {
  name: "procedures",
  claim: "A procedure takes little more time than a function written by hand that writes the same rows.",
  run: ({ rounds, seconds, fsync, onProgress }) =>
    withBenchDatabase({ onProgress, fsync }, async (database) => {
      const calls = CALLS_A_SECOND * seconds;
      const byHand = handWritten(await exampleJob(database));
      onProgress("Warming up");
      await timeCalls(database, OUR_CALLS, CALLS_A_SECOND);
      await timeCalls(database, byHand, CALLS_A_SECOND);
      const results = await inTurn(
        rounds,
        (round) => {
          onProgress(`Round ${round + 1} of ${rounds}: ours`);
          return timeCalls(database, OUR_CALLS, calls);
        },
        (round) => {
          onProgress(`Round ${round + 1} of ${rounds}: by hand`);
          return timeCalls(database, byHand, calls);
        },
      );
      return {
        comparisons: PROCEDURES.map(([name, what]) =>
          compare(
            { name: `${name}_vs_by_hand`, opponent: `${what}, the same rows by hand`, unit: "ms", goal: GOAL },
            results,
            (times) => times[name],
          )
        ),
        figures: [],
        postgres: database.version,
      };
    }),
};

/** The functions of bench/opponents/procedures.sql, which get what ours looks up and computes. */
function handWritten(job: Record<string, postgres.JSONValue>): Calls {
  return {
    async start(service, userId) {
      const [row] = await service`
        select by_hand.start(
          ${userId}, ${crypto.randomUUID()}, ${HASH}, ${REQUEST.prompt}, ${service.json(job)}) as answer`;
      return String(row?.answer.job_id);
    },
    record: (service, jobId) => service`select by_hand.record(${jobId}, 1, ${`run-${jobId}`}) as answer`,
    lease: (service) => service`select * from by_hand.lease()`,
    complete: (service, jobId) => service`select by_hand.complete(${jobId}, 1, ${`videos/${jobId}.mp4`}) as answer`,
    fail: (service, jobId) => service`select by_hand.fail(${jobId}, 1, 'provider_error') as answer`,
  };
}

/** What ours wrote for the request: the hand-written functions write the same. */
async function exampleJob({ sql, service }: BenchDatabase): Promise<Record<string, postgres.JSONValue>> {
  const [userId = ""] = await insertUsers(sql, 1);
  const jobId = await OUR_CALLS.start(service, userId);
  const [job] = await sql`
    select model_id, settings, provider, queue.steps as steps
    from video_jobs join private.job_queue as queue using (job_id) where job_id = ${jobId}`;
  return { model_id: job?.model_id, settings: job?.settings, provider: job?.provider, steps: job?.steps };
}
