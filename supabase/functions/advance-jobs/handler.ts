import { z } from "zod";
import { leaseDueJobs } from "../_shared/database/jobs.ts";
import type { Job, LeasedJob } from "../_shared/database/records.ts";
import { cancelAbandonedRuns } from "../_shared/jobs/abandoned-runs.ts";
import { advance } from "../_shared/jobs/advance.ts";
import { readBody } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { errorText } from "../_shared/runtime/log.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { purge } from "./purge.ts";

/** Steps under way at a time: they mostly wait for others, and each may hold a few MB of a video on its way. */
const CONCURRENCY = 16;
/**
 * Steps and copies of one tick; each lane still ends the step that it has begun. Hosted, a request gets 2 s of CPU. Measured
 * without TLS: 1.5 ms a look, 4 ms a copy and 0.7 ms more for each MB, so that both bounds together, with videos of 10 MB,
 * take half a second here and have room for a slower core. The worker is called again within ten seconds.
 */
const MAX_STEPS = 200;
const MAX_COPIES = 20;
/** No new step is begun after this: the platform ends a request at 150 s, and a step may take long. */
const LEASE_FOR_MS = 40_000;

export const workerBody = z.strictObject({ task: z.enum(["advance", "purge"]).default("advance") });

/** POST /advance-jobs: the worker's tick. Moves every due job one step on, or does the daily cleaning. */
export async function advanceJobs(
  context: JobContext,
  request: Request,
): Promise<Response> {
  const { task } = request.headers.get("content-length") === "0" || request.body === null
    ? { task: "advance" }
    : await readBody(request, workerBody);
  return json(task === "purge" ? await purge(context) : await tick(context));
}

interface Tick {
  claimed: number;
  advanced: number;
  completed: number;
  failed: number;
  retried: number;
  /** It stopped at a bound, and there may be more to do. */
  more?: true;
}

/** Moves jobs on, while runs of users who have left are stopped; a request that is over leaves nothing under way. */
async function tick(context: JobContext): Promise<Tick> {
  const cancelling = cancelAbandonedRuns(context);
  try {
    return await advanceDue(context);
  } finally {
    await cancelling;
  }
}

async function advanceDue(context: JobContext): Promise<Tick> {
  const counts: Tick = { claimed: 0, advanced: 0, completed: 0, failed: 0, retried: 0 };
  const until = performance.now() + LEASE_FOR_MS;
  let copies = 0;
  const leased = await leaseDueJobs(context, CONCURRENCY);
  // Fewer than asked for: there are no more, and an idle tick costs no further call.
  const mayBeMore = leased.length === CONCURRENCY;

  /** Moves a job on, then leases another, so that one long copy holds up nobody else. */
  async function advanceInTurn(first: LeasedJob): Promise<void> {
    let next: LeasedJob | undefined = first;
    while (next !== undefined) {
      counts.claimed++;
      const after = await advanceOne(context, next);
      count(counts, next, after);
      if (next.action === "store" || (next.status !== "completed" && after?.status === "completed")) copies++;
      if (!mayBeMore) return;
      if (counts.claimed >= MAX_STEPS || copies >= MAX_COPIES || performance.now() >= until) {
        counts.more = true;
        return;
      }
      next = await leaseAnother(context);
    }
  }
  await Promise.all(leased.map(advanceInTurn));
  return counts;
}

/** One more due job, if there is one. A lease that fails is no reason to leave the steps that are under way. */
async function leaseAnother(context: JobContext): Promise<LeasedJob | undefined> {
  try {
    return (await leaseDueJobs(context, 1))[0];
  } catch (error) {
    context.log("error", "lease_failed", { error: errorText(error) });
    return undefined;
  }
}

/** One job's step; what goes wrong with it is no reason to leave the others. */
async function advanceOne(context: JobContext, leased: LeasedJob): Promise<Job | null> {
  try {
    return await advance(context, leased);
  } catch (error) {
    context.log("error", "advance_failed", { job_id: leased.job_id, attempt: leased.attempt, error: errorText(error) });
    return null;
  }
}

function count(counts: Tick, before: LeasedJob, after: Job | null): void {
  if (after === null) return;
  counts.advanced++;
  if (after.status === before.status && after.progress.stage === "submitting") {
    counts.retried++;
  }
  if (after.status !== before.status && after.status === "completed") {
    counts.completed++;
  }
  if (after.status !== before.status && after.status === "failed") {
    counts.failed++;
  }
}
