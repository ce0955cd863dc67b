import { type Progress, recordLooks, recordProgress } from "../_shared/database/attempts.ts";
import { DatabaseError } from "../_shared/database/client.ts";
import { leaseDueJobs } from "../_shared/database/leases.ts";
import type { Job, LeasedJob } from "../_shared/database/records.ts";
import { advance, lookAt } from "../_shared/jobs/advance.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { deleteUnwantedFiles } from "../_shared/jobs/files.ts";
import { inGroups } from "../_shared/runtime/in-groups.ts";
import { errorText } from "../_shared/runtime/log.ts";
import { Copies, COPIES_AT_ONCE } from "./copies.ts";

/** Jobs at a time that are looked at or submitted: they mostly wait for their provider. */
const JOBS_AT_ONCE = 32;
/**
 * Looks and submissions of one call; one that has started is still finished. A hosted request gets 2 s of CPU, and a look
 * takes 1 to 2 ms of it.
 */
const MAX_ACTIONS = 400;
/** No job is leased after this time: the platform ends a request at 150 s, and an action may take long. */
const LEASE_FOR_MS = 40_000;

/** What one call of the worker did: its answer. */
export interface Tick {
  /** The jobs that were leased. */
  claimed: number;
  advanced: number;
  completed: number;
  failed: number;
  retried: number;
  /** A limit was reached; there may be more due jobs. */
  more?: true;
}

/** A run that goes on, as a look found it. */
interface SeenRun {
  leased: LeasedJob;
  progress: Progress;
}

/** One call of the worker, and what its jobs share. */
interface Worker {
  context: JobContext;
  counts: Tick;
  /** Leases more to look at, of what was due when the call began. Never throws. */
  leaseMore: (count: number) => Promise<LeasedJob[]>;
  /** Records that a run goes on, together with others; the status of the job, or null if it is gone. */
  record: (seen: SeenRun) => Promise<Pick<Job, "status"> | null>;
}

/** Does the next action of the jobs that are due now, until none is left or a limit is reached. Copies are made apart. */
export async function advanceDueJobs(context: JobContext): Promise<Tick> {
  const counts: Tick = { claimed: 0, advanced: 0, completed: 0, failed: 0, retried: 0 };
  const until = performance.now() + LEASE_FOR_MS;
  const lease = async (most: { jobs: number; copies: number }, dueAt?: string) => {
    const leased = await leaseDueJobs(context, most, dueAt);
    counts.claimed += leased.length;
    return leased;
  };
  const first = await lease({ jobs: JOBS_AT_ONCE, copies: COPIES_AT_ONCE });

  /** Errors are only logged: the jobs that are leased must be finished. */
  async function leaseMore(most: { jobs: number; copies: number }): Promise<LeasedJob[]> {
    try {
      return await lease(most, first[0]?.due_at);
    } catch (error) {
      context.log("error", "lease_failed", { error: errorText(error) });
      return [];
    }
  }
  const copies = new Copies(context, {
    until,
    lease: (count) => leaseMore({ jobs: 0, copies: count }),
    copy: async (job) => count(counts, job, await advanceOne(worker, job)),
  });
  const worker: Worker = {
    context: { ...context, copies },
    counts,
    leaseMore: (count) => leaseMore({ jobs: count, copies: 0 }),
    record: recordInGroups(context),
  };
  copies.begin(first.filter(({ action }) => action === "store"));
  await advanceOthers(worker, first.filter(({ action }) => action !== "store"), until);
  if (await copies.finish()) counts.more = true;
  return counts;
}

/** Submits and looks, one job after the other in each lane, so that a slow provider does not hold up the others. */
async function advanceOthers(worker: Worker, leased: LeasedJob[], until: number): Promise<void> {
  const { context, counts, leaseMore } = worker;
  let actions = leased.length;
  // Fewer than the limit: there are no more due jobs, and an idle call of the worker asks the database only once.
  let mayBeMore = leased.length === JOBS_AT_ONCE;

  /** A job for each lane that is free now. */
  const leaseAnother = inGroups(context.pause, async (lanes: null[]) => {
    const found = await leaseMore(lanes.length);
    mayBeMore = found.length === lanes.length;
    actions += found.length;
    return lanes.map((_, index) => found[index]);
  });

  async function advanceInTurn(first: LeasedJob): Promise<void> {
    let next: LeasedJob | undefined = first;
    while (next !== undefined) {
      const after = await advanceOne(worker, next);
      if (after?.progress?.stage === "storing") {
        // It is counted by the worker that makes its copy.
        counts.claimed--;
      } else {
        count(counts, next, after);
      }
      if (!mayBeMore) return;
      if (actions >= MAX_ACTIONS || performance.now() >= until) {
        counts.more = true;
        return;
      }
      next = await leaseAnother(null);
    }
  }
  await Promise.all(leased.map(advanceInTurn));
}

/**
 * Records looks together, and each alone if that is refused: one whose job is locked for long, or whose row Postgres refuses,
 * must not keep the others out.
 */
function recordInGroups(context: JobContext): Worker["record"] {
  const recordTogether = inGroups(context.pause, (seen: SeenRun[]) => recordLooks(context, seen));
  return async (seen) => {
    try {
      return await recordTogether(seen);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.unreachable) throw error;
      return (await recordProgress(context, seen.leased, seen.progress)).job;
    }
  };
}

/** What is known of a job after an action; its progress only where the job was read. */
type KnownJob = Pick<Job, "status"> & Partial<Pick<Job, "progress">>;

/** The next action of one job. Errors are only logged: the other jobs must not suffer. */
async function advanceOne({ context, record }: Worker, leased: LeasedJob): Promise<KnownJob | null> {
  try {
    if (leased.action !== "check") return await advance(context, leased);
    const look = await lookAt(context, leased);
    const job = look.progress === undefined ? look.job : await record({ leased, progress: look.progress });
    return await deleteUnwantedFiles<KnownJob>(context, leased, job);
  } catch (error) {
    context.log("error", "advance_failed", { job_id: leased.job_id, attempt: leased.attempt, error: errorText(error) });
    return null;
  }
}

function count(counts: Tick, before: LeasedJob, after: KnownJob | null): void {
  if (after === null) return;
  counts.advanced++;
  if (after.status === before.status && after.progress?.stage === "submitting") {
    counts.retried++;
  }
  if (after.status !== before.status && after.status === "completed") {
    counts.completed++;
  }
  if (after.status !== before.status && after.status === "failed") {
    counts.failed++;
  }
}
