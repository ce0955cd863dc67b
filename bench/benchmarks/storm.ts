// Claim: two thousand clients that poll at once, politely or not, cost the provider no more than one call a job and interval.
import { z } from "zod";
import type { Benchmark, Findings } from "../measure/benchmark.ts";
import { quantile, spreadOf } from "../measure/statistics.ts";
import { pause } from "../measure/time.ts";
import { type BenchStack, withBenchStack } from "../stack/bench-stack.ts";
import { insertDueJobs } from "../stack/history.ts";
import type { BenchJob } from "../stack/jobs.ts";
import { statusRequests } from "../stack/requests.ts";

const CLIENTS = 2000;
/** Each rude client asks so often, as fast as it can. */
const RUDE_POLLS = 3;

/** REST has more calls waiting than it can do within the time limit of one: the client is told to come back later. */
const REFUSED = 503;

/** A poll that is answered so soon meets no others. */
const CALM_MS = 500;
const CALM_LIMIT_MS = 120_000;
/** The longest that the server tells a client to wait. */
const POLITE_MS = 15_000;

const statusSchema = z.object({ poll_after_ms: z.number().default(2000) });

export const storm: Benchmark = {
  name: "storm",
  claim: `${CLIENTS} clients that poll at once cost the provider no more than one call a job and interval.`,
  run: ({ seconds, fsync, onProgress }) =>
    withBenchStack({ onProgress, fsync }, async (bench) => {
      await bench.provider.set({ endless: true });
      const jobs = await insertJobs(bench);
      onProgress(`${CLIENTS} rude clients`);
      const rude = await watchProvider(bench, () => pollRudely(bench, jobs));
      await calmDown(bench, jobs);
      onProgress(`${CLIENTS} polite clients`);
      const polite = await watchProvider(bench, () => pollPolitely(bench, jobs, POLITE_MS / 1000 + seconds));
      return {
        comparisons: [],
        figures: [...figures("rude", rude), ...figures("polite", polite)],
        postgres: bench.version,
      };
    }),
};

/** What one kind of client met. */
interface Storm {
  pollsASecond: number;
  p50: number;
  p99: number;
  /** The part of the polls that was told to come back later. */
  refused: number;
}

function figures(
  manner: string,
  { pollsASecond, p50, p99, refused, share }: Storm & { share: number },
): Findings["figures"] {
  const figure = (name: string, what: string, unit: string, value: number) => ({
    name: `${manner}_${name}`,
    what: `${manner} clients: ${what}`,
    unit,
    value: spreadOf([value]),
  });
  return [
    figure("polls_a_second", "polls", "polls/s", pollsASecond),
    figure("p50_ms", "p50 of a poll", "ms", p50),
    figure("p99_ms", "p99 of a poll", "ms", p99),
    figure("refused_share", "polls told to come back later", "part", refused),
    { ...figure("checks_share", "checks of a job in its interval", "checks", share), goal: { atMost: 1 } },
  ];
}

async function insertJobs(bench: BenchStack): Promise<BenchJob[]> {
  const ids = await insertDueJobs(bench.sql, CLIENTS);
  const rows = await bench.sql<{ job_id: string; user_id: string }[]>`
    select job_id, user_id from video_jobs where job_id = any (${ids}::uuid[])`;
  return rows.map(({ job_id, user_id }) => ({ jobId: job_id, user: { id: user_id, token: bench.tokenOf(user_id) } }));
}

/** The checks that the provider got, divided by those that one a job and shortest interval would make. */
async function watchProvider(bench: BenchStack, work: () => Promise<Storm>): Promise<Storm & { share: number }> {
  const [settings] = await bench.sql`select check_interval_min_seconds as seconds from app_settings`;
  const before = await bench.provider.counts();
  const begun = performance.now();
  const found = await work();
  const intervals = 1 + (performance.now() - begun) / 1000 / Number(settings?.seconds);
  const checks = (await bench.provider.counts()).checks - before.checks;
  return { ...found, share: checks / (CLIENTS * intervals) };
}

async function pollRudely(bench: BenchStack, jobs: readonly BenchJob[]): Promise<Storm> {
  const { perSecond, p50, p99, statuses } = await bench.load.run({
    url: bench.ours,
    connections: CLIENTS,
    requests: statusRequests(jobs, "/get-video-status"),
    amount: RUDE_POLLS * CLIENTS,
    expected: [200, REFUSED],
  });
  return { pollsASecond: perSecond, p50, p99, refused: (statuses[REFUSED] ?? 0) / (RUDE_POLLS * CLIENTS) };
}

/**
 * Waits until REST has done what it was asked before: it also does calls for which nobody waits any more. Such a call may
 * have leased its job, which is free after a minute; here at once.
 */
async function calmDown(bench: BenchStack, [job]: readonly BenchJob[]): Promise<void> {
  const end = performance.now() + CALM_LIMIT_MS;
  while (job !== undefined && performance.now() < end) {
    const begun = performance.now();
    await askForStatus(bench, job);
    if (performance.now() - begun < CALM_MS) break;
  }
  await bench.sql`update private.job_queue set lease_until = null, next_check_at = now() where lease_until is not null`;
}

async function askForStatus(
  { ours }: BenchStack,
  { user, jobId }: BenchJob,
): Promise<{ status: number; after: number }> {
  const response = await fetch(`${ours}/get-video-status?job_id=${jobId}`, {
    headers: { authorization: `Bearer ${user.token}` },
  });
  return { status: response.status, after: statusSchema.parse(await response.json()).poll_after_ms };
}

async function pollPolitely(bench: BenchStack, jobs: readonly BenchJob[], seconds: number): Promise<Storm> {
  const end = performance.now() + 1000 * seconds;
  const times: number[] = [];
  let refused = 0;
  await Promise.all(jobs.map(async (job) => {
    // They do not begin at the same moment.
    await pause(Math.random() * POLITE_MS);
    while (performance.now() < end) {
      const begun = performance.now();
      const { status, after } = await askForStatus(bench, job);
      if (status === REFUSED) refused++;
      times.push(performance.now() - begun);
      await pause(after);
    }
  }));
  return {
    pollsASecond: times.length / seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    refused: refused / times.length,
  };
}
