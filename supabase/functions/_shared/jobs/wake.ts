import { adoptRun, type WakeOutcome } from "../database/leases.ts";
import type { LeasedJob } from "../database/records.ts";
import { keepAlive } from "../runtime/background.ts";
import { errorText } from "../runtime/log.ts";
import { advance } from "./advance.ts";
import type { JobContext } from "./context.ts";
import { cancelRun, checkRun } from "./runs.ts";
import { advanceThumbnail } from "./thumbnail.ts";

/** The run that a webhook names, and the attempt that it belongs to. */
export interface ReportedRun {
  jobId: string;
  attempt: number;
  runId: string;
}

/** Asks the provider what became of the run that woke a job, in the background: the webhook is answered at once. */
export function followWake(context: JobContext, wake: WakeOutcome, run: ReportedRun): void {
  const { jobId, attempt } = run;
  context.log("info", "webhook", { job_id: jobId, attempt, outcome: wake.outcome });
  keepAlive(
    follow(context, wake, run).catch((error) => {
      // The job stays due: the next poll or the worker does the same.
      context.log("error", "advance_failed", { job_id: jobId, error: errorText(error) });
    }),
  );
}

async function follow(
  context: JobContext,
  wake: WakeOutcome,
  { jobId, attempt, runId }: ReportedRun,
): Promise<void> {
  switch (wake.outcome) {
    case "finished":
      if (!wake.same_run) context.log("alert", "run_wasted", { job_id: jobId, attempt });
      return;
    case "woken":
      if (wake.leased_job !== null) await advance(context, wake.leased_job);
      return;
    case "thumbnail":
      return await advanceThumbnail(context, wake.leased_job);
    case "late_run":
      return await followLateRun(context, wake.leased_job, runId);
  }
}

/** A late run that has succeeded delivers the job: the user waits, and we pay for the run anyway. */
async function followLateRun(context: JobContext, current: LeasedJob, runId: string): Promise<void> {
  const state = await checkRun(context, { ...current, provider_job_id: runId });
  if (state.state !== "succeeded") return;
  const adopted = await adoptRun(context, current, runId);
  if (adopted === null) return;
  if (adopted.abandoned_provider_job_id !== null) {
    await cancelRun(context, { ...current, provider_job_id: adopted.abandoned_provider_job_id });
  }
  await advance(context, adopted.leased_job);
}
