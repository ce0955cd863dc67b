import { advanceStep, failJob, type NextStep, type Progress, recordProgress, skipStep } from "../database/attempts.ts";
import type { Job, LeasedJob } from "../database/records.ts";
import { deliver } from "./deliver.ts";
import type { JobErrorCode } from "../errors/job-errors.ts";
import { deleteUnwantedFiles } from "./files.ts";
import { errorText } from "../runtime/log.ts";
import { cancelRun, checkRun } from "./runs.ts";
import type { ProviderError, RunState } from "../providers/provider.ts";
import { checkAgainLater, retryLater } from "./retry.ts";
import { recordAccepted, submitAttempt } from "./submit.ts";
import type { JobContext } from "./context.ts";

/**
 * Does the next action of a leased job and returns the job as it is then; null when nothing new is known. Polls, webhooks
 * and the worker all call this. The process may be killed at any point: then the lease expires, and the next caller
 * continues. Throws `DatabaseError`.
 */
export async function advance(context: JobContext, leased: LeasedJob): Promise<Job | null> {
  switch (leased.action) {
    case "submit":
      return await submit(context, leased);
    case "check":
      return await deleteUnwantedFiles(context, leased, await check(context, leased));
    case "store":
      return await deliver(context, leased);
    case "expire":
      return await deleteUnwantedFiles(context, leased, await expire(context, leased));
    case "give_up":
      return await deleteUnwantedFiles(context, leased, await failOrSkipStep(context, leased, "provider_unreachable"));
  }
}

async function submit(context: JobContext, leased: LeasedJob): Promise<Job | null> {
  const submission = await submitAttempt(context, leased);
  switch (submission.outcome) {
    case "accepted":
      return await deleteUnwantedFiles(
        context,
        leased,
        await recordAccepted(context, leased, submission.providerJobId),
      );
    case "refused":
      return await deleteUnwantedFiles(context, leased, await retryOrFail(context, leased, submission.error));
    case "unknown":
      // The lease has set the time when the next attempt may be made.
      return null;
  }
}

async function check(context: JobContext, leased: LeasedJob): Promise<Job | null> {
  const look = await lookAt(context, leased);
  return look.progress === undefined ? look.job : (await recordProgress(context, leased, look.progress)).job;
}

/** What a look at a run found: it goes on, which is not recorded yet; or the job as it is after what followed. */
type Look = { progress: Progress } | { progress?: undefined; job: Job | null };

/** Asks the provider for the state of a run. If the run has ended or cannot be seen, does what follows from that. */
export async function lookAt(context: JobContext, leased: LeasedJob): Promise<Look> {
  let state: RunState;
  try {
    state = await checkRun(context, leased);
  } catch (error) {
    // A failed check decides nothing: only the provider's own final state or the deadline ends a job.
    context.log("warn", "check_failed", { job_id: leased.job_id, attempt: leased.attempt, error: errorText(error) });
    return { job: await checkAgainLater(context, leased, error) };
  }
  switch (state.state) {
    case "queued":
      return { progress: { stage: "queued", percent: null, queuePosition: state.queuePosition } };
    case "running":
      return { progress: { stage: "generating", percent: state.percent, queuePosition: null } };
    case "failed":
      return { job: await retryOrFail(context, leased, state.error) };
    case "succeeded":
      return { job: await finishStep(context, leased, state) };
  }
}

async function finishStep(
  context: JobContext,
  leased: LeasedJob,
  run: RunState & { state: "succeeded" },
): Promise<Job | null> {
  if (run.media[leased.step.produces] === undefined) {
    context.log("warn", "run_without_media", {
      job_id: leased.job_id,
      attempt: leased.attempt,
      step: leased.step.name,
    });
    return await failOrSkipStep(context, leased, "no_media");
  }
  const advanced = await advanceStep(context, leased, run.media, { leavesCopy: context.copies !== undefined });
  context.log("info", "step_finished", {
    job_id: leased.job_id,
    attempt: leased.attempt,
    step: leased.step.name,
    age_ms: leased.age_ms,
    applied: advanced.applied,
  });
  return await startNextStep(context, advanced);
}

/** Ends a job at its deadline, unless a last check finds the video: we pay the provider for a refunded video too. */
async function expire(context: JobContext, leased: LeasedJob): Promise<Job | null> {
  if (leased.provider_job_id !== null) {
    try {
      const state = await checkRun(context, leased);
      if (state.state === "succeeded") {
        return await finishStep(context, leased, state);
      }
    } catch (error) {
      context.log("warn", "check_failed", { job_id: leased.job_id, attempt: leased.attempt, error: errorText(error) });
    }
    await cancelRun(context, leased);
  }
  return await failOrSkipStep(context, leased, "timeout");
}

async function retryOrFail(context: JobContext, leased: LeasedJob, error: ProviderError): Promise<Job | null> {
  if (error.kind !== "retryable" || leased.attempts_left <= 0) {
    return await failOrSkipStep(context, leased, error.code, error);
  }
  return await retryLater(context, leased, error);
}

/** The step has failed for good: an optional step is skipped, any other one fails the job. */
export async function failOrSkipStep(
  context: JobContext,
  leased: LeasedJob,
  code: JobErrorCode,
  cause?: ProviderError,
): Promise<Job | null> {
  if (!leased.step.optional) return await fail(context, leased, code, cause);
  const { job_id, attempt } = leased;
  context.log("warn", "step_skipped", { job_id, attempt, step: leased.step.name, code, detail: cause?.detail });
  return await startNextStep(context, await skipStep(context, leased, { leavesCopy: context.copies !== undefined }));
}

/** Starts the next step at once, if we got its lease; else the job waits for the next poll or worker. */
async function startNextStep(context: JobContext, { applied, job, leased_job: next }: NextStep): Promise<Job | null> {
  if (next) return await advance(context, next) ?? job;
  if (applied) context.copies?.due();
  return job;
}

async function fail(
  context: JobContext,
  leased: LeasedJob,
  code: JobErrorCode,
  cause?: ProviderError,
): Promise<Job | null> {
  const failed = await failJob(context, leased, code);
  if (failed.applied) {
    context.log(cause?.kind === "fatal" ? "alert" : "warn", "job_failed", {
      job_id: leased.job_id,
      attempt: leased.attempt,
      code,
      detail: cause?.detail,
      age_ms: leased.age_ms,
      credits_refunded: failed.job?.credits_refunded,
    });
  }
  return failed.job;
}
