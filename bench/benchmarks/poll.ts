// Claim: a status poll costs little more than the least that an answer needs, a token check and one row by REST, although
// it may lease the job, knows its progress and signs the video's address.
import type { Benchmark, Findings } from "../measure/benchmark.ts";
import { withBenchStack } from "../stack/bench-stack.ts";
import { type BenchJob, deliverJobs, startJobs } from "../stack/jobs.ts";
import { statusRequests } from "../stack/requests.ts";
import { compareThroughput } from "../stack/throughput.ts";

const JOBS = 64;
const CALLERS = 8;
const GOAL = { atLeast: 0.85 };

export const poll: Benchmark = {
  name: "poll",
  claim: "A status poll is nearly as fast as a token check and one row by REST.",
  run: (effort) =>
    withBenchStack(effort, async (bench) => {
      effort.onProgress("Making jobs");
      const running = await startJobs(bench, JOBS);
      const runningIds = running.map(({ jobId }) => jobId);
      await bench.sql`
        update private.job_queue set next_check_at = now() + interval '5 hours', deadline_at = now() + interval '9 hours',
          step_deadline_at = now() + interval '9 hours'
        where job_id = any (${runningIds}::uuid[])`;
      const finished = await deliverJobs(bench, JOBS);
      const known = await Promise.all(running.map((job) => withTag(bench.ours, job)));

      const findings: Findings = { comparisons: [], figures: [], postgres: bench.version };
      for (
        const { name, what, jobs, expected } of [
          { name: "poll_running_vs_row", what: "of a running job", jobs: running, expected: 200 },
          { name: "poll_finished_vs_row", what: "of a finished job", jobs: finished, expected: 200 },
          { name: "poll_unchanged_vs_row", what: "answered with 304", jobs: known, expected: 304 },
        ]
      ) {
        const { comparison, figures } = await compareThroughput(bench, effort, {
          name,
          opponent: `token check and one row; a poll ${what}`,
          unit: "polls/s",
          goal: GOAL,
          connections: CALLERS,
          ours: { url: bench.ours, requests: () => statusRequests(jobs, "/get-video-status"), expected },
          theirs: { url: bench.theirs, requests: () => statusRequests(jobs, "/row"), expected: 200 },
        });
        findings.comparisons.push(comparison);
        findings.figures.push(...figures);
      }
      return findings;
    }),
};

/** A job with the tag of its present state. */
async function withTag(url: string, { user, jobId }: BenchJob): Promise<BenchJob & { tag: string }> {
  const response = await fetch(`${url}/get-video-status?job_id=${jobId}`, {
    headers: { authorization: `Bearer ${user.token}` },
  });
  await response.body?.cancel();
  return { user, jobId, tag: response.headers.get("etag") ?? "" };
}
