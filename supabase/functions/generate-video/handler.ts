import { z } from "zod";
import { failJob, openAttempt } from "../_shared/database/attempts.ts";
import type { LeasedJob } from "../_shared/database/records.ts";
import { DatabaseError } from "../_shared/database/client.ts";
import { readBody } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { jobErrors } from "../_shared/errors/job-errors.ts";
import { errorBody, RequestError, requestErrors } from "../_shared/errors/request-errors.ts";
import { idempotencyKey } from "../_shared/http/idempotency-key.ts";
import { errorText } from "../_shared/runtime/log.ts";
import type { ProviderError } from "../_shared/providers/provider.ts";
import { isBackPressure, retryLater } from "../_shared/jobs/retry.ts";
import { requireOwnFile, type StartedJob, startJob } from "../_shared/jobs/start.ts";
import { recordAccepted, submitAttempt } from "../_shared/jobs/submit.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { type GenerateVideoBody, generateVideoBody, requestFingerprint } from "./request.ts";

/** The pauses between the submissions inside a request, in milliseconds: short, because the client waits. */
const PAUSES_MS = [300, 900];

/** POST /generate-video: charges, creates the job and submits it, or answers with the exact reason why not. */
export async function generateVideo(context: JobContext, request: Request): Promise<Response> {
  const key = idempotencyKey(request);
  const body = await readBody(request, generateVideoBody);
  if (body.user_id && body.user_id !== context.userId) {
    throw new RequestError("forbidden");
  }

  requireOwnFile(context, "image_path", body.image_path);

  const started = await start(context, key, body);
  if (started.outcome === "replayed") {
    return answer(context, started.response, started.status_code, { "X-Idempotent-Replay": "true" });
  }

  const failure = await submit(context, started.leased_job);
  if (failure === "unconfirmed") {
    // The answer must be the one that a replay gets, and only the database knows it now.
    const replay = await start(context, key, body);
    if (replay.outcome === "replayed") return answer(context, replay.response, replay.status_code);
  }
  return failure === null || failure === "unconfirmed"
    ? answer(context, started.response)
    : answer(context, failure, requestErrors.provider_failed.status);
}

const logFieldsSchema = z.object({ job_id: z.string(), code: z.string().optional() });

/** The answer that is stored under the key; its job and code go to the log too. */
function answer(
  context: JobContext,
  response: Record<string, unknown>,
  status = 200,
  headers: Record<string, string> = {},
): Response {
  Object.assign(context.logFields, logFieldsSchema.parse(response));
  return json(response, status, headers);
}

async function start(context: JobContext, key: string, body: GenerateVideoBody): Promise<StartedJob> {
  return await startJob(context, {
    kind: "generation",
    userId: context.userId,
    idempotencyKey: key,
    requestHash: await requestFingerprint(body),
    modelId: body.model_id,
    prompt: body.prompt,
    settings: body.settings ?? {},
    imageUrl: body.image_url ?? undefined,
    imagePath: body.image_path ?? undefined,
    nodeId: body.node_id ?? undefined,
    maxCredits: body.max_credits ?? undefined,
  });
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
      if (submission.outcome === "accepted") await recordAccepted(context, leased, submission.providerJobId);
      // Unknown: it may be running. The charge stands; the worker makes another attempt if no webhook comes.
      if (submission.outcome !== "refused") return null;

      if (isBackPressure(submission.error) && leased.attempts_left > 0) {
        await retryLater(context, leased, submission.error);
        return null;
      }
      if (submission.error.kind !== "retryable" || pause === null) {
        return await fail(context, leased, submission.error);
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
