import { deliver } from "./deliver.ts";
import type { JobErrorCode } from "../errors/job-errors.ts";
import { discardUnlessWanted } from "./files.ts";
import type { Job, Work } from "../database/records.ts";
import { errorText } from "../runtime/log.ts";
import { cancelRun, look } from "./check.ts";
import type { ProviderError, RunState } from "../providers/provider.ts";
import { lookAgainLater, retryLater } from "./retry.ts";
import { recordAccepted, submitAttempt } from "./submit.ts";
import type { Tools } from "./context.ts";

/**
 * Moves a leased job on by one step and returns it as it is then; null when there is nothing new to tell. Whatever wakes
 * a job (a poll, the worker, a webhook) comes here. It may be killed at any point: the lease runs out and the next one
 * goes on. Throws `DatabaseError`.
 */
export async function advance(tools: Tools, work: Work): Promise<Job | null> {
  switch (work.action) {
    case "submit":
      return await submit(tools, work);
    case "check":
      return await discardUnlessWanted(tools, work, await check(tools, work));
    case "store":
      return await deliver(tools, work);
    case "expire":
      return await discardUnlessWanted(tools, work, await expire(tools, work));
    case "give_up":
      return await discardUnlessWanted(tools, work, await giveUp(tools, work, "provider_unreachable"));
  }
}

async function submit(tools: Tools, work: Work): Promise<Job | null> {
  const submission = await submitAttempt(tools, work);
  switch (submission.outcome) {
    case "accepted":
      return await discardUnlessWanted(tools, work, await recordAccepted(tools, work, submission.providerJobId));
    case "refused":
      return await discardUnlessWanted(tools, work, await retryOrFail(tools, work, submission.error));
    case "unknown":
      // The claim has set the time when the next attempt may be made.
      return null;
  }
}

async function check(tools: Tools, work: Work): Promise<Job | null> {
  let state: RunState;
  try {
    state = await look(tools, work);
  } catch (error) {
    // One failed look is never a verdict: only the provider's own final word or the deadline ends a job.
    tools.log("warn", "check_failed", { job_id: work.job_id, attempt: work.attempt, error: errorText(error) });
    return await lookAgainLater(tools, work, error);
  }
  switch (state.state) {
    case "queued":
      return (await tools.jobs.recordProgress(work, { ...state, stage: "queued", percent: null })).job;
    case "running":
      return (await tools.jobs.recordProgress(work, { ...state, stage: "generating", queuePosition: null })).job;
    case "failed":
      return await retryOrFail(tools, work, state.error);
    case "succeeded":
      return await finishStep(tools, work, state);
  }
}

async function finishStep(tools: Tools, work: Work, run: RunState & { state: "succeeded" }): Promise<Job | null> {
  if (run.media[work.step.produces] === undefined) {
    tools.log("warn", "run_without_media", { job_id: work.job_id, attempt: work.attempt, step: work.step.name });
    return await giveUp(tools, work, "no_media");
  }
  const advanced = await tools.jobs.advanceStep(work, run.media);
  tools.log("info", "step_finished", {
    job_id: work.job_id,
    attempt: work.attempt,
    step: work.step.name,
    age_ms: work.age_ms,
    applied: advanced.applied,
  });
  return await goOn(tools, advanced);
}

/** Ends a job at its deadline, unless its video turns out to be there: a success after a refund would be our loss. */
async function expire(tools: Tools, work: Work): Promise<Job | null> {
  if (work.provider_job_id !== null) {
    try {
      const state = await look(tools, work);
      if (state.state === "succeeded") {
        return await finishStep(tools, work, state);
      }
    } catch (error) {
      tools.log("warn", "check_failed", { job_id: work.job_id, attempt: work.attempt, error: errorText(error) });
    }
    await cancelRun(tools, work);
  }
  return await giveUp(tools, work, "timeout");
}

async function retryOrFail(tools: Tools, work: Work, error: ProviderError): Promise<Job | null> {
  if (error.kind !== "retryable" || work.attempts_left <= 0) {
    return await giveUp(tools, work, error.code, error);
  }
  return await retryLater(tools, work, error);
}

/** The step has failed for good: the video is delivered without it, where it may be, or not at all. */
async function giveUp(tools: Tools, work: Work, code: JobErrorCode, cause?: ProviderError): Promise<Job | null> {
  if (!work.step.optional) return await fail(tools, work, code, cause);
  const { job_id, attempt } = work;
  tools.log("warn", "step_skipped", { job_id, attempt, step: work.step.name, code, detail: cause?.detail });
  return await goOn(tools, await tools.jobs.skipStep(work));
}

/** Goes straight on with the next step, if it was ours to begin: nobody has to wait until the job is woken again. */
async function goOn(tools: Tools, entered: { job: Job | null; work?: Work | undefined }): Promise<Job | null> {
  return entered.work === undefined ? entered.job : await advance(tools, entered.work) ?? entered.job;
}

async function fail(tools: Tools, work: Work, code: JobErrorCode, cause?: ProviderError): Promise<Job | null> {
  const failed = await tools.jobs.fail(work, code);
  if (failed.applied) {
    tools.log(cause?.kind === "fatal" ? "alert" : "warn", "job_failed", {
      job_id: work.job_id,
      attempt: work.attempt,
      code,
      detail: cause?.detail,
      age_ms: work.age_ms,
      credits_refunded: failed.job?.credits_refunded,
    });
  }
  return failed.job;
}
