import { wakeJob } from "../_shared/database/leases.ts";
import { readBytes } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { runIdField } from "../_shared/http/fields.ts";
import { ProviderError, type VideoProvider, type WebhookDelivery } from "../_shared/providers/provider.ts";
import type { Providers } from "../_shared/providers/registry.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { followWake } from "../_shared/jobs/wake.ts";
import { isWebhookToken } from "../_shared/jobs/webhook-url.ts";
import { type Address, addressOf } from "./address.ts";

/** Some providers send the whole result, some with logs in it. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

/**
 * POST /provider-webhook/{provider}: a provider reports that a run has ended. A verified call only makes the job due. Then
 * we ask the provider for the run's state, in the background, so that the webhook is answered at once.
 */
export async function providerWebhook(context: JobContext, request: Request): Promise<Response> {
  const address = addressOf(request);
  context.logFields.job_id = address.jobId;
  const provider = await providerOf(context.providers, address.provider);
  // The token is checked before the body is read: the body may be large.
  if (!await isWebhookToken(address.token, address.provider, address)) throw refused(context, address);
  const body = await readBytes(request, BODY_LIMIT_BYTES);
  // The signature is checked too: the token may have leaked with the address, and the body may be forged.
  if (!await isSigned(context, provider, { headers: request.headers, body })) throw refused(context, address);
  const runId = runIdField.safeParse(provider.webhook?.runId(body)).data;
  if (runId === undefined) {
    throw new RequestError("validation_failed", { issues: [{ path: "", message: "must have the id of a run" }] });
  }

  const wake = await wakeJob(context, address.jobId, address.attempt, runId);
  if (wake === null) throw new RequestError("job_not_found");
  followWake(context, wake, { ...address, runId });
  return json({ received: true });
}

async function providerOf(providers: Providers, name: string): Promise<VideoProvider> {
  try {
    return await providers.get(name);
  } catch (error) {
    // The answer must not reveal which providers this project uses.
    if (error instanceof ProviderError) throw new RequestError("unauthorized");
    throw error;
  }
}

/** Whether the provider itself sent this; true for a provider that signs no webhooks. */
async function isSigned(context: JobContext, provider: VideoProvider, delivery: WebhookDelivery): Promise<boolean> {
  try {
    return (await provider.webhook?.verify?.(delivery)) ?? true;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    context.log("error", "webhook_not_verifiable", { detail: error.detail });
    throw new RequestError("unavailable", {}, { "Retry-After": "60" });
  }
}

function refused(context: JobContext, address: Address): RequestError {
  context.log("warn", "webhook_refused", { job_id: address.jobId, attempt: address.attempt });
  return new RequestError("unauthorized");
}
