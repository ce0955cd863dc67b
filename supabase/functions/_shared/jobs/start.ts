import { type GenerationRequest, startGeneration, type StartOutcome } from "../database/new-jobs.ts";
import { DatabaseError } from "../database/client.ts";
import { limitReached } from "../errors/limit-reached.ts";
import { RequestError } from "../errors/request-errors.ts";
import { errorText } from "../runtime/log.ts";
import type { JobContext } from "./context.ts";

/** A job that was charged and created, or the answer that its key got before. */
export type StartedJob = Extract<StartOutcome, { outcome: "created" | "replayed" }>;

/** A request names two files at most, and each may be replaced once while it is checked. */
const MAX_CHECKS = 4;

/**
 * Charges and creates a job. Throws a `RequestError` with the exact reason otherwise; `settingsPath` is the field of the
 * body that its issues name, empty where the settings are fields of the body itself.
 */
export async function startJob(
  context: JobContext,
  request: GenerationRequest,
  settingsPath: string = "settings",
): Promise<StartedJob> {
  let started = await start(context, request);
  for (let checks = 0; started.outcome === "input_unchecked" && checks < MAX_CHECKS; checks++) {
    // Imported here: a file is checked once, and most requests name none.
    const { checkUpload } = await import("./uploads.ts");
    await checkUpload(context, started);
    started = await start(context, request);
  }
  if (started.outcome === "created") {
    context.log("info", "job_created", { job_id: started.leased_job.job_id, user_id: context.userId });
  } else if (started.outcome !== "replayed") {
    throw refusal(started, settingsPath);
  }
  return started;
}

/** Throws unless the path is in the user's own folder. The answer never says whether another user has such a file. */
export function requireOwnFile(context: JobContext, field: string, path: string | null | undefined): void {
  if (path && !path.startsWith(`${context.userId}/`)) {
    throw new RequestError("validation_failed", {
      issues: [{ path: field, message: "must be an image_path that POST /uploads returned" }],
    });
  }
}

async function start(context: JobContext, request: GenerationRequest): Promise<StartOutcome> {
  try {
    // From the environment alone: the host of a request is the caller's to choose.
    return await startGeneration(context, request, context.environment.PUBLIC_FUNCTIONS_URL);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    // The charge may have been committed: the client repeats the request with the same key.
    if (error instanceof DatabaseError && error.unreachable) throw error;
    context.log("error", "start_failed", { error: errorText(error) });
    throw new RequestError("job_creation_failed");
  }
}

/** The path of an issue as the client's body has it. */
function bodyPath(path: string, settingsPath: string): string {
  const [first, ...rest] = path.split(".");
  return first === "settings" ? [settingsPath, ...rest].filter((name) => name !== "").join(".") : path;
}

/** The error of a request that was not accepted. */
function refusal(outcome: Exclude<StartOutcome, StartedJob>, settingsPath: string): RequestError {
  switch (outcome.outcome) {
    case "idempotency_key_reused":
    case "model_not_found":
    case "node_not_found":
      return new RequestError(outcome.outcome);
    case "validation_failed":
      return new RequestError("validation_failed", {
        issues: outcome.issues.map((issue) => ({ ...issue, path: bodyPath(issue.path, settingsPath) })),
      });
    case "price_changed":
      return new RequestError("price_changed", { required_credits: outcome.required_credits });
    case "insufficient_credits":
      return new RequestError("insufficient_credits", {
        current_credits: outcome.current_credits,
        required_credits: outcome.required_credits,
      });
    case "input_missing":
    case "input_refused":
      return new RequestError(outcome.outcome, { image_path: outcome.path });
    case "input_unchecked":
      // The file was replaced after each check.
      return new RequestError("unavailable", {}, { "Retry-After": "2" });
    case "provider_unavailable":
      return new RequestError("provider_unavailable", {}, { "Retry-After": String(outcome.retry_after) });
    case "monthly_quota_reached":
      return limitReached(outcome, { used: outcome.used }, outcome.limit - outcome.used);
    case "too_many_active_jobs":
    case "rate_limited":
    case "refusal_limit_reached":
      return limitReached(outcome, {}, 0);
  }
}
