import { wakeRun } from "../_shared/database/leases.ts";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { readBytes } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { runIdField } from "../_shared/http/fields.ts";
import { isSameSecret } from "../_shared/http/secret.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { ProviderError } from "../_shared/providers/provider.ts";
import { followWake } from "../_shared/jobs/wake.ts";

/** RunPod sends the whole result. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

/**
 * POST /openv/api/runpod/webhook?token=…: RunPod reports the end of a run to the one address that an endpoint was given.
 * It names no job and is not signed: the token in it is the operator's, and the body's run id finds the job. As every
 * webhook it only makes the job due; what happened is read from RunPod.
 */
export async function endpointWebhook(context: JobContext, request: Request): Promise<Response> {
  const secret = context.environment.RUNPOD_WEBHOOK_TOKEN;
  if (secret === undefined) throw new RequestError("not_found");
  // Before the body is read: the body may be large.
  if (!await isSameSecret(new URL(request.url).searchParams.get("token") ?? "", secret)) {
    context.log("warn", "webhook_refused");
    throw new RequestError("unauthorized");
  }
  const body = await readBytes(request, BODY_LIMIT_BYTES);
  const runId = runIdField.safeParse(await runIdOf(context, body)).data;
  if (runId === undefined) {
    throw new RequestError("validation_failed", { issues: [{ path: "", message: "must have the id of a run" }] });
  }
  const wake = await wakeRun(context, "runpod", runId);
  if (wake === null) throw new RequestError("job_not_found");
  context.logFields.job_id = wake.job_id;
  followWake(context, wake, { jobId: wake.job_id, attempt: wake.attempt, runId });
  return json({ received: true });
}

async function runIdOf(context: JobContext, body: BufferSource): Promise<string | null> {
  try {
    return (await context.providers.get("runpod")).webhook?.runId(body) ?? null;
  } catch (error) {
    // There is no key of RunPod, so no run.
    if (error instanceof ProviderError) throw new RequestError("job_not_found");
    throw error;
  }
}
