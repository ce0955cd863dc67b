import { cancelJob, type CancelOutcome, type RunStates } from "../_shared/database/videos.ts";
import { keepAlive } from "../_shared/runtime/background.ts";
import { json } from "../_shared/http/endpoint.ts";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { uuid } from "../_shared/http/fields.ts";
import { deleteJobFiles } from "../_shared/jobs/files.ts";
import { jobView } from "../_shared/jobs/view.ts";
import { cancelRun, checkRuns } from "../_shared/jobs/runs.ts";
import { advanceIfLeased } from "../_shared/jobs/read.ts";
import { limitReached } from "../_shared/errors/limit-reached.ts";
import type { JobContext } from "../_shared/jobs/context.ts";

/** Another attempt may replace the run that was checked, but hardly twice. */
const MAX_CHECKS = 3;

/**
 * POST /videos/{job_id}/cancel: refunds in full, at once, and cancels the run at the provider where that is possible. A
 * finished video is not cancelled; a started one only a limited number of times a day.
 */
export async function cancelVideo(context: JobContext, id: string): Promise<Response> {
  const jobId = uuid.safeParse(id).data;
  const outcome = jobId === undefined ? null : await cancel(context, jobId);
  if (jobId === undefined || outcome === null) throw new RequestError("job_not_found");
  context.logFields.job_id = jobId;
  switch (outcome.outcome) {
    case "cancelled":
      return json(await jobView(context, await cleanUp(context, outcome)));
    case "not_cancellable": {
      const { job_id, status } = await advanceIfLeased(context, {
        job: outcome.job,
        leased_job: outcome.leased_job ?? null,
      });
      throw new RequestError("not_cancellable", { job_id, status });
    }
    case "cancel_limit_reached":
      throw limitReached(outcome, {}, 0);
    case "check_run":
      throw new RequestError("unavailable", {}, { "Retry-After": "2" });
  }
}

/** Cancels, after asking the provider whether the run has started: our own view is some seconds old. */
async function cancel(context: JobContext, jobId: string): Promise<CancelOutcome> {
  let runStates: RunStates = {};
  for (let checks = 0;; checks++) {
    const outcome = await cancelJob(context, context.userId, jobId, runStates);
    if (outcome?.outcome !== "check_run" || checks === MAX_CHECKS) return outcome;
    runStates = await checkRuns(context, [outcome.leased_job]);
  }
}

async function cleanUp(
  context: JobContext,
  { job, leased_job: leased }: CancelOutcome & { outcome: "cancelled" },
): Promise<typeof job> {
  context.log("info", "job_cancelled", { job_id: job.job_id, credits_refunded: job.credits_refunded });
  // In the background: the provider's answer changes nothing for the user.
  if (leased.provider_job_id !== null) keepAlive(cancelRun(context, leased));
  await deleteJobFiles(context, leased);
  return job;
}
