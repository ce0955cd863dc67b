import { failJob, openAttempt } from "../database/attempts.ts";
import { DatabaseError } from "../database/client.ts";
import type { GenerationRequest } from "../database/new-jobs.ts";
import type { LeasedJob } from "../database/records.ts";
import { jobErrors } from "../errors/job-errors.ts";
import { errorBody, requestErrors } from "../errors/request-errors.ts";
import type { ProviderError } from "../providers/provider.ts";
import { errorText } from "../runtime/log.ts";
import type { JobContext } from "./context.ts";
import { isBackPressure, retryLater } from "./retry.ts";
import { type StartedJob, startJob } from "./start.ts";
import { recordLater, submitAttempt } from "./submit.ts";

/** The pauses between the submissions inside a request, in milliseconds: short, because the client waits. */
const PAUSES_MS = [300, 900];

/** The answer that is stored under the key of a request. A status other than 200 is that of a refunded failure. */
export interface NewVideo {
  status: number;
  response: Record<string, unknown>;
  /** What the stored answer lacks; null in a replay after the video was deleted. */
  video: StartedJob["video"];
  replayed: boolean;
}

/**
 * Charges, creates the job and submits it while the client waits, or finds the answer that its key got before. Throws a
 * `RequestError` with the exact reason why not.
 */
export async function startVideo(
  context: JobContext,
  request: GenerationRequest,
  settingsPath?: string,
): Promise<NewVideo> {
  const started = await startJob(context, request, settingsPath);
  const { video } = started;
  if (started.outcome === "replayed") {
    return { status: started.status_code, response: started.response, video, replayed: true };
  }

  const failure = await submit(context, started.leased_job);
  // A key of some seconds may be over by now: the request would be charged once more.
  if (failure === "unconfirmed" && request.keySeconds === undefined) {
    // The answer must be the one that a replay gets, and only the database knows it now.
    const replay = await startJob(context, request, settingsPath);
    if (replay.outcome === "replayed") {
      return { status: replay.status_code, response: replay.response, video, replayed: false };
    }
  }
  return failure === null || failure === "unconfirmed"
    ? { status: 200, response: started.response, video, replayed: false }
    : { status: requestErrors.provider_failed.status, response: failure, video, replayed: false };
}

/** The answer to a job that failed and is refunded; `unconfirmed` when the database did not confirm the refund. */
type Failure = Record<string, unknown> | "unconfirmed";

/**
 * Submits a new job while the client waits. Null: the job continues, here or by the worker. Otherwise it has failed, and
 * this is the answer, which is stored for the key.
 */
async function submit(context: JobContext, first: LeasedJob): Promise<Failure | null> {
  let leased = first;
  try {
    for (const pause of [...PAUSES_MS, null]) {
      const submission = await submitAttempt(context, leased);
      if (submission.outcome === "accepted") recordLater(context, leased, submission.providerJobId);
      // Unknown: it may be running. The charge stands; the worker makes another attempt if no webhook comes.
      if (submission.outcome !== "refused") return null;

      if (isBackPressure(submission.error) && leased.attempts_left > 0) {
        await retryLater(context, leased, submission.error);
        return null;
      }
      if (submission.error.kind !== "retryable" || pause === null) {
        if (!leased.step.optional) return await fail(context, leased, submission.error);
        // Imported here: no other request for a video needs what follows a submission.
        const { failOrSkipStep } = await import("./advance.ts");
        await failOrSkipStep(context, leased, submission.error.code, submission.error);
        return null;
      }
      await context.pause(pause * (0.5 + context.random()));
      const next = await openAttempt(context, leased);
      if (next === null) return null;
      leased = next;
    }
    return null;
  } catch (error) {
    // The job is charged and stored, with its key; the worker finds out what could not be recorded now.
    context.log("error", "submission_not_recorded", { job_id: leased.job_id, error: errorText(error) });
    return null;
  }
}

async function fail(context: JobContext, leased: LeasedJob, error: ProviderError): Promise<Failure | null> {
  const answer = {
    ...errorBody("provider_failed", context.language, context.requestId),
    error_code: error.code,
    error_message: jobErrors[error.code][context.language],
  };
  const failed = await failJob(context, leased, error.code, answer).catch((failure: unknown) => {
    if (failure instanceof DatabaseError && failure.unreachable) return null;
    throw failure;
  });
  if (failed === null) return "unconfirmed";
  context.log("warn", "job_failed", {
    job_id: leased.job_id,
    code: error.code,
    detail: error.detail,
    credits_refunded: failed.job?.credits_refunded,
  });
  return failed.response ?? null;
}
