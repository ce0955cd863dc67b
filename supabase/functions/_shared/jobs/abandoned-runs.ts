import { leaseRunsToCancel, recordCancelledRun, type RunToCancel } from "../database/accounts.ts";
import { errorText } from "../runtime/log.ts";
import { cancelRun } from "./runs.ts";
import type { JobContext } from "./context.ts";

/** A user has this many active jobs at most, unless the operator sets another limit. */
const MAX_RUNS = 20;

/** Cancels some runs of deleted users; the others wait for the worker's next call. Never throws. */
export async function cancelAbandonedRuns(context: JobContext): Promise<void> {
  try {
    const runs = await leaseRunsToCancel(context, MAX_RUNS);
    await Promise.all(runs.map((run) => cancelAbandoned(context, run)));
  } catch (error) {
    context.log("error", "runs_not_cancelled", { error: errorText(error) });
  }
}

async function cancelAbandoned(context: JobContext, run: RunToCancel): Promise<void> {
  const { job_id, attempt, provider_job_id, step } = run;
  const answered = await cancelRun(context, run);
  if (!answered && !run.is_last_try) return;
  if (!answered) {
    context.log("alert", "run_not_cancelled", { job_id, attempt, provider_job_id, provider: step.provider });
  }
  try {
    await recordCancelledRun(context, run);
  } catch (error) {
    // The run is cancelled once more later; the other runs must not wait for this one.
    context.log("error", "cancelled_run_not_recorded", { job_id, attempt, error: errorText(error) });
  }
}
