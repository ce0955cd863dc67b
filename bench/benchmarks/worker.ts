// Claim: our worker looks at more jobs a second than one written by hand, although each step is leased, recorded and can be
// repeated; and several look at more than one. It delivers fewer: each of its deliveries also has a thumbnail.
import { z } from "zod";
import type { Benchmark, Effort, Figure } from "../measure/benchmark.ts";
import { compare, type Comparison, inTurn } from "../measure/comparison.ts";
import { spreadOf } from "../measure/statistics.ts";
import { type BenchStack, withBenchStack } from "../stack/bench-stack.ts";
import { insertDueJobs } from "../stack/history.ts";
import { makeDue, queueWork } from "../stack/queue-work.ts";

/** Calls of the worker at once: enough for both cores. */
const WORKERS = 4;
/** Jobs before the first round, by whose speed the number of the others is chosen. */
const WARM_UP_JOBS = 60;
/** How many workers the series has. */
const SERIES = [1, 2, 4, 8];
/** A look at a run takes so long where providers are a network away: then one worker waits most of its time. */
const LOOK_MS = 250;
/** About what one worker does then. */
const JOBS_A_SECOND = 100;

const tickSchema = z.object({ claimed: z.number(), completed: z.number() });
type Tick = z.infer<typeof tickSchema>;

/** One of the two workers, and how it gets its jobs. */
interface Side {
  call(): Promise<Tick>;
  /** Replaces its jobs with so many that are due. */
  fill(bench: BenchStack, jobs: number): Promise<void>;
  /** Makes those due that wait for their next look. */
  hurry(bench: BenchStack): Promise<void>;
}

export const worker: Benchmark = {
  name: "worker",
  claim: "The worker looks at more jobs a second than one written by hand, and several at more than one.",
  run: (effort) =>
    withBenchStack(effort, async (bench) => {
      const { rounds, seconds, onProgress } = effort;
      const sides = { ours: ourWorker(bench), theirs: handWrittenWorker(bench) };
      async function compareWork(name: string, what: string, work: Work): Promise<Comparison> {
        const jobsOf = async (side: Side) => {
          onProgress(`${what}: warming up`);
          return Math.max(WARM_UP_JOBS, Math.round(seconds * await work(bench, side, WARM_UP_JOBS)));
        };
        const jobs = { ours: await jobsOf(sides.ours), theirs: await jobsOf(sides.theirs) };
        const measure = (side: keyof typeof sides) => (round: number) => {
          onProgress(`${what}, round ${round + 1} of ${rounds}: ${side}`);
          return work(bench, sides[side], jobs[side]);
        };
        const results = await inTurn(rounds, measure("ours"), measure("theirs"));
        return compare({ name, opponent: `a worker by hand: ${what}`, unit: "jobs/s" }, results, (figure) => figure);
      }
      return {
        comparisons: [
          await compareWork("looks_vs_by_hand", "runs looked at", looksASecond),
          await compareWork("completions_vs_by_hand", "videos delivered", completionsASecond),
        ],
        figures: [...await workersTogether(bench, effort, sides.ours), ...await connectionsTogether(bench, effort)],
        postgres: bench.version,
      };
    }),
};

/** Looks a second of so many workers at once, at a provider that is a network away. */
async function workersTogether(
  bench: BenchStack,
  { rounds, seconds, onProgress }: Effort,
  ours: Side,
): Promise<Figure[]> {
  await bench.provider.set({ lookMs: LOOK_MS });
  const figures = await inSeries(rounds, async (workers, round) => {
    onProgress(`workers at once: ${workers}, round ${round + 1} of ${rounds}`);
    return await looksASecond(bench, ours, seconds * workers * JOBS_A_SECOND, workers);
  });
  await bench.provider.set({ lookMs: 0 });
  return figures.map(({ count, value }) => ({
    name: `workers_${count}_looks_a_second`,
    what: `${count} ${count === 1 ? "worker" : "workers"}, a look takes ${LOOK_MS} ms`,
    unit: "jobs/s",
    value,
  }));
}

/** The same leases and records a second, over so many connections of Postgres and nothing else: what workers can reach. */
async function connectionsTogether(bench: BenchStack, { rounds, seconds, onProgress }: Effort): Promise<Figure[]> {
  const figures = await inSeries(rounds, async (connections, round) => {
    onProgress(`connections of Postgres: ${connections}, round ${round + 1} of ${rounds}`);
    await ourWorker(bench).fill(bench, 1000);
    return await queueWork(bench.databaseUrl, connections, seconds);
  });
  return figures.map(({ count, value }) => ({
    name: `connections_${count}_looks_a_second`,
    what: `Postgres alone, ${count} ${count === 1 ? "connection" : "connections"}`,
    unit: "jobs/s",
    value,
  }));
}

async function inSeries(
  rounds: number,
  measure: (count: number, round: number) => Promise<number>,
): Promise<{ count: number; value: Figure["value"] }[]> {
  const results = SERIES.map((count) => ({ count, found: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { count, found } of results) found.push(await measure(count, round));
  }
  return results.map(({ count, found }) => ({ count, value: spreadOf(found) }));
}

/** Does the work for so many jobs, and returns how many a second. */
type Work = (bench: BenchStack, side: Side, jobs: number) => Promise<number>;

/** Runs that go on are looked at. Some are due again before the last ones were looked at, and count again. */
async function looksASecond(bench: BenchStack, side: Side, jobs: number, workers = WORKERS): Promise<number> {
  await bench.provider.set({ endless: true });
  await side.fill(bench, jobs);
  const begun = performance.now();
  let claimed = 0;
  await Promise.all(Array.from({ length: workers }, async () => {
    while (claimed < jobs) {
      const tick = await side.call();
      claimed += tick.claimed;
      if (tick.claimed === 0) await side.hurry(bench);
    }
  }));
  return 1000 * claimed / (performance.now() - begun);
}

/** So many runs that have ended are delivered. */
async function completionsASecond(bench: BenchStack, side: Side, jobs: number): Promise<number> {
  await bench.provider.set({ endless: false });
  await side.fill(bench, jobs);
  const begun = performance.now();
  let completed = 0;
  await Promise.all(Array.from({ length: WORKERS }, async () => {
    while (completed < jobs) {
      const tick = await side.call();
      completed += tick.completed;
      if (tick.claimed === 0) await side.hurry(bench);
    }
  }));
  return 1000 * jobs / (performance.now() - begun);
}

async function callWorker(url: string, apikey: string): Promise<Tick> {
  const response = await fetch(url, { method: "POST", headers: { apikey } });
  return tickSchema.parse(await response.json());
}

function ourWorker({ ours, secretKey }: BenchStack): Side {
  return {
    call: () => callWorker(`${ours}/advance-jobs`, secretKey),
    async fill({ sql }, jobs) {
      await sql`update private.job_queue set next_check_at = null`;
      await insertDueJobs(sql, jobs);
    },
    hurry: ({ sql }) => makeDue(sql),
  };
}

function handWrittenWorker({ theirs, secretKey }: BenchStack): Side {
  return {
    call: () => callWorker(`${theirs}/worker`, secretKey),
    async fill({ sql }, jobs) {
      await sql`update flow_jobs set next_check_at = null`;
      await sql`
        insert into flow_jobs (user_id, model_id, prompt, status, credits_used, provider_job_id, next_check_at)
        select gen_random_uuid(), id, 'A lighthouse', 'processing', 5, number::text, now() - interval '10 minutes'
        from generate_series(1, ${jobs}) as number, (select id from flow_models limit 1) as model`;
    },
    async hurry({ sql }) {
      await sql`
        update flow_jobs set next_check_at = now() where job_id in (
          select job_id from flow_jobs where next_check_at > now() and status = 'processing' for update skip locked)`;
    },
  };
}
