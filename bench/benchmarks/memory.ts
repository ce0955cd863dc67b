// Claim: a copy of a video needs no memory for the video, be it of a gigabyte or fifty at once.
import type { Benchmark, Figure } from "../measure/benchmark.ts";
import { spreadOf } from "../measure/statistics.ts";
import { type BenchStack, withBenchStack } from "../stack/bench-stack.ts";
import { type BenchJob, deliverJobs, startJobs } from "../stack/jobs.ts";

const MB = 1_000_000;
/** The largest that is copied is a little more. */
const LARGE_MB = 500;
const LARGE = 2;
const MANY = 50;
const SMALL_MB = 20;
/** Half of what a hosted function has in all. */
const GOAL = { atMost: 128 };

export const memory: Benchmark = {
  name: "memory",
  claim: "Copies of videos need little memory, be it of a gigabyte or fifty at once.",
  run: ({ rounds, fsync, onProgress }) =>
    withBenchStack({ onProgress, fsync }, async (bench) => {
      await deliverJobs(bench, 2);
      const many: number[] = [];
      const large: number[] = [];
      for (let round = 0; round < rounds; round++) {
        onProgress(`Round ${round + 1} of ${rounds}: ${MANY} videos of ${SMALL_MB} MB, by polls`);
        await bench.provider.set({ fileBytes: SMALL_MB * MB });
        many.push(await memoryOf(bench, () => deliverByPolls(bench)));
        onProgress(`Round ${round + 1} of ${rounds}: ${LARGE} of ${LARGE_MB} MB`);
        await bench.provider.set({ fileBytes: LARGE_MB * MB });
        large.push(await memoryOf(bench, () => deliverJobs(bench, LARGE)));
      }
      return {
        comparisons: [],
        figures: [
          figure("copy_of_1_gb_mb", `more memory for ${LARGE} copies of ${LARGE_MB} MB`, large),
          figure("fifty_copies_mb", `more memory for ${MANY} copies of ${SMALL_MB} MB at once`, many),
        ],
        postgres: bench.version,
      };
    }),
};

function figure(name: string, what: string, values: readonly number[]): Figure {
  return { name, what, unit: "MB", value: spreadOf(values), goal: GOAL };
}

/** How much more memory the process of the functions had during the work, at most, than before it. */
async function memoryOf({ functions }: BenchStack, work: () => Promise<unknown>): Promise<number> {
  // Makes the present memory the largest one so far. Only Linux knows it.
  await Deno.writeTextFile(`/proc/${functions.pid}/clear_refs`, "5");
  const before = functions.peakMemory();
  await work();
  const after = functions.peakMemory();
  if (before === undefined || after === undefined) throw new Error("This system does not report a process's memory.");
  return (after - before) / MB;
}

/** Delivers many videos by their owners' polls, which all copy at the same time. */
async function deliverByPolls(bench: BenchStack): Promise<void> {
  const jobs = await startJobs(bench, MANY);
  const ids = jobs.map(({ jobId }) => jobId);
  let left = jobs;
  while (left.length > 0) {
    await bench.sql`
      update private.job_queue set next_check_at = now()
      where job_id = any (${ids}::uuid[]) and next_check_at > now() and lease_until is null`;
    const ended = await Promise.all(left.map((job) => isDelivered(bench, job)));
    left = left.filter((_, index) => !ended[index]);
  }
}

async function isDelivered({ ours }: BenchStack, { user, jobId }: BenchJob): Promise<boolean> {
  const response = await fetch(`${ours}/get-video-status?job_id=${jobId}`, {
    headers: { authorization: `Bearer ${user.token}` },
  });
  const { status } = await response.json();
  if (status === "failed") throw new Error(`The job ${jobId} failed.`);
  return status === "completed";
}
