// Claim: a client knows of its video within a second of the provider's end, if it waits as the server says, and asks seldom
// while a long run goes on.
import { z } from "zod";
import type { Benchmark, Figure } from "../measure/benchmark.ts";
import { spreadOf } from "../measure/statistics.ts";
import { pause } from "../measure/time.ts";
import { type BenchStack, type BenchUser, withBenchStack } from "../stack/bench-stack.ts";
import { MODEL } from "../stack/requests.ts";

const RUN_MS = 3000;
const LONG_RUN_SECONDS = 60;
/** As often as an impatient client asks. */
const IMPATIENT_MS = 100;
/** As pg_cron calls the worker. */
const WORKER_MS = 10_000;
const JOBS_A_ROUND = 4;
/** Jobs do not begin at the same moment of the worker's interval. */
const APART_MS = 700;
/** Veo 3.1: the long runs have a model of their own, whose usual time is theirs. */
const LONG_MODEL = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0003";

/** How a client heard of the end of its run. */
interface Notice {
  /** Seconds from the provider's end. */
  seconds: number;
  polls: number;
}

const startedSchema = z.object({ job_id: z.string(), poll_after_ms: z.number().optional() });
const statusSchema = z.object({ status: z.string(), poll_after_ms: z.number().nullable() });

export const notice: Benchmark = {
  name: "notice",
  claim: "A client that asks when the server says knows of its video within a second.",
  run: (effort) =>
    withBenchStack(effort, async (bench) => {
      await setUsualTimes(bench);
      const long = waitForVideo(bench, await newUser(bench), LONG_MODEL, "polite", ` [fal: run=${LONG_RUN_SECONDS}s]`);
      const found: Record<"polite" | "impatient", Notice[]> = { polite: [], impatient: [] };
      for (let round = 0; round < effort.rounds; round++) {
        for (const manner of ["polite", "impatient"] as const) {
          effort.onProgress(`Round ${round + 1} of ${effort.rounds}: ${manner} clients`);
          found[manner].push(...await waitForVideos(bench, manner));
        }
      }
      effort.onProgress(`Waiting for the run of ${LONG_RUN_SECONDS} s`);
      return {
        comparisons: [],
        figures: [
          seconds("polite", "polite client: it waits as the server says", found.polite, 1),
          seconds("impatient", "impatient client: it asks ten times a second", found.impatient, 0.5),
          polls("polls_of_short_run", `polls of a run of ${RUN_MS / 1000} s, polite`, found.polite),
          seconds("long", `polite client, run of ${LONG_RUN_SECONDS} s`, [await long], 1),
          {
            ...polls("polls_of_long_run", `polls of a run of ${LONG_RUN_SECONDS} s, polite`, [await long]),
            goal: { atMost: 12 },
          },
        ],
        postgres: bench.version,
      };
    }, {
      simulatesFal: true,
      falSimulator: { queueMs: 0, runMs: RUN_MS, concurrency: 1000 },
      workerIntervalMs: WORKER_MS,
    }),
};

/** As if earlier runs had taught us how long each model takes. */
async function setUsualTimes({ sql }: BenchStack): Promise<void> {
  await sql`update private.run_times set seconds = ${RUN_MS / 1000}`;
  await sql`
    update private.run_times set seconds = ${LONG_RUN_SECONDS}
    where model = (select provider_model_id from models where id = ${LONG_MODEL})`;
}

async function waitForVideos(bench: BenchStack, manner: "polite" | "impatient"): Promise<Notice[]> {
  const users = await bench.users(JOBS_A_ROUND);
  return await Promise.all(users.map(async (user, index) => {
    await pause(index * APART_MS);
    return await waitForVideo(bench, user, MODEL, manner);
  }));
}

async function waitForVideo(
  bench: BenchStack,
  user: BenchUser,
  model: string,
  manner: "polite" | "impatient",
  words = "",
): Promise<Notice> {
  const prompt = `A lighthouse, take ${crypto.randomUUID()}${words}`;
  const authorization = `Bearer ${user.token}`;
  const response = await fetch(`${bench.ours}/generate-video`, {
    method: "POST",
    headers: { authorization, "idempotency-key": crypto.randomUUID(), "content-type": "application/json" },
    body: JSON.stringify({ model_id: model, prompt }),
  });
  const { job_id, poll_after_ms: first = 2000 } = startedSchema.parse(await response.json());
  let polls = 0;
  let wait = manner === "polite" ? first : IMPATIENT_MS;
  while (true) {
    await pause(wait);
    polls++;
    const status = await fetch(`${bench.ours}/get-video-status?job_id=${job_id}`, { headers: { authorization } });
    const { status: state, poll_after_ms } = statusSchema.parse(await status.json());
    if (state === "failed") throw new Error(`The job ${job_id} failed.`);
    if (state === "completed") return { seconds: (Date.now() - endOf(bench, prompt)) / 1000, polls };
    wait = manner === "polite" ? poll_after_ms ?? 2000 : IMPATIENT_MS;
  }
}

/** When the provider's run of this prompt ended. */
function endOf({ falSimulator }: BenchStack, prompt: string): number {
  const end = falSimulator?.requests.find(({ input }) => input.prompt === prompt)?.completedAt;
  if (typeof end !== "number") throw new Error("The provider does not know the run of a delivered video.");
  return end;
}

async function newUser(bench: BenchStack): Promise<BenchUser> {
  const [user] = await bench.users(1);
  if (user === undefined) throw new Error("There is no user.");
  return user;
}

function seconds(name: string, what: string, notices: readonly Notice[], atMost: number): Figure {
  const value = spreadOf(notices.map(({ seconds }) => seconds));
  return {
    name: `${name}_seconds`,
    what: `known after the provider's end: ${what}`,
    unit: "s",
    value,
    goal: { atMost },
  };
}

function polls(name: string, what: string, notices: readonly Notice[]): Figure {
  return { name, what, unit: "polls", value: spreadOf(notices.map(({ polls }) => polls)) };
}
