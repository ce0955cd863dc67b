import { z } from "zod";
import { leaseDueJobs } from "../_shared/database/jobs.ts";
import type { Job, LeasedJob } from "../_shared/database/records.ts";
import { cancelAbandonedRuns } from "../_shared/jobs/abandoned-runs.ts";
import { advance } from "../_shared/jobs/advance.ts";
import { advanceDueThumbnails } from "../_shared/jobs/thumbnail.ts";
import { readOptionalBody } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { errorText } from "../_shared/runtime/log.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { purge } from "./purge.ts";

/** Jobs at a time: they mostly wait for network answers, and each may hold a few MB of a video in memory. */
const CONCURRENCY = 16;
/**
 * Actions and copies of one call; an action that has started is still finished. A hosted request gets 2 s of CPU. Measured
 * without TLS: 1.5 ms a check, 4 ms a copy and 0.7 ms more for each MB, so that both limits together, with videos of 10 MB,
 * take half a second here and leave room for a slower core. The worker is called again within ten seconds.
 */
const MAX_ACTIONS = 200;
const MAX_COPIES = 20;
/** No job is leased after this time: the platform ends a request at 150 s, and an action may take long. */
const LEASE_FOR_MS = 40_000;

export const workerBody = z.strictObject({ task: z.enum(["advance", "purge"]).default("advance") });

/** POST /advance-jobs: one call of the worker. It does the next action of every due job, or the daily purge. */
export async function advanceJobs(context: JobContext, request: Request): Promise<Response> {
  const { task } = await readOptionalBody(request, workerBody);
  return json(task === "purge" ? await purge(context) : await tick(context));
}

/** What one call of the worker did: its answer. */
interface Tick {
  /** The jobs that were leased. */
  claimed: number;
  advanced: number;
  completed: number;
  failed: number;
  retried: number;
  /** A limit was reached; there may be more due jobs. */
  more?: true;
}

/** Advances due jobs and thumbnails, and cancels runs that nobody needs; returns only when all are done. */
async function tick(context: JobContext): Promise<Tick> {
  const cancelling = cancelAbandonedRuns(context);
  const picturing = advanceDueThumbnails(context);
  try {
    return await advanceDue(context);
  } finally {
    await Promise.all([cancelling, picturing]);
  }
}

async function advanceDue(context: JobContext): Promise<Tick> {
  const counts: Tick = { claimed: 0, advanced: 0, completed: 0, failed: 0, retried: 0 };
  const until = performance.now() + LEASE_FOR_MS;
  let copies = 0;
  const leased = await leaseDueJobs(context, CONCURRENCY);
  // Fewer than the limit: there are no more due jobs, and an idle call of the worker asks the database only once.
  const mayBeMore = leased.length === CONCURRENCY;

  /** Advances a job, then leases another, so that a long copy does not block the other jobs. */
  async function advanceInTurn(first: LeasedJob): Promise<void> {
    let next: LeasedJob | undefined = first;
    while (next !== undefined) {
      counts.claimed++;
      const after = await advanceOne(context, next);
      count(counts, next, after);
      if (next.action === "store" || (next.status !== "completed" && after?.status === "completed")) copies++;
      if (!mayBeMore) return;
      if (counts.claimed >= MAX_ACTIONS || copies >= MAX_COPIES || performance.now() >= until) {
        counts.more = true;
        return;
      }
      next = await leaseAnother(context);
    }
  }
  await Promise.all(leased.map(advanceInTurn));
  return counts;
}

/** One more due job, if there is one. Errors are only logged: the other jobs of this call must be finished. */
async function leaseAnother(context: JobContext): Promise<LeasedJob | undefined> {
  try {
    return (await leaseDueJobs(context, 1))[0];
  } catch (error) {
    context.log("error", "lease_failed", { error: errorText(error) });
    return undefined;
  }
}

/** The next action of one job. Errors are only logged: the other jobs must not suffer. */
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
