/** fal.ai as a `VideoProvider`, through its own client. */

import { createFalClient, type FalClient } from "@fal-ai/client";
import { z } from "zod";
import {
  classify,
  describe,
  FAL_ERROR_TYPES,
  isNotFound,
  isRunFailure,
  isStillRunning,
  isTooLateToCancel,
} from "./fal-errors.ts";
import { createFalFetch, FalErrorAnswer } from "./fal-fetch.ts";
import { mediaAt, mediaOf } from "../output-media.ts";
import { createFalWebhookVerifier, falRunId } from "./fal-webhook.ts";
import { badAnswerError, isCertainRefusal, requestError, transient } from "../error-class.ts";
import type { Reply } from "../json-api.ts";
import { fetchMedia } from "../media.ts";
import {
  type CallOptions,
  ProviderError,
  type ProviderRun,
  type RunState,
  type Submission,
  type VideoProvider,
} from "../provider.ts";
import type { HttpAnswer } from "../send-once.ts";

/** The key, and what differs from fal's own service. */
export interface FalConfig {
  key: string;
  /** The URL of the queue instead of https://queue.fal.run: a simulator. Its media are then opened too. */
  queueUrl?: string;
  /** How long fal keeps the files it makes: a week by default, longer where users get fal's own URLs. */
  keepMediaSeconds?: number;
  /** The URL of the keys that sign webhooks, where it is not fal's own: a simulator. */
  jwksUrl?: string;
  fetch?: typeof fetch;
  /** The clock that decides whether a webhook is too old, in milliseconds since 1970. */
  now?: () => number;
}

const QUEUE_URL = "https://queue.fal.run";

/**
 * A week: copying to our Storage may fail for days before an operator sees it. Without a limit files stay public for
 * ever.
 */
const KEEP_MEDIA_SECONDS = 7 * 24 * 60 * 60;

/** The client refuses a start limit of one second or less. */
const MIN_START_SECONDS = 2;

/** The hosts where fal's models store their files. */
const MEDIA_HOSTS = ["fal.media", "*.fal.media", "storage.googleapis.com/falserverless/"];

const acceptedSubmission = z.object({ request_id: z.string().min(1) });

const queueStatus = z.object({
  status: z.string(),
  // Postgres takes no other number, and one that it refuses would keep the looks that are recorded with it out too.
  queue_position: z.int32().nullish().catch(null),
  error: z.unknown().optional(),
  error_type: z.string().nullish().catch(null),
});

type QueueStatus = z.infer<typeof queueStatus>;

/** Not an output, although a queue may answer 2xx with it when the result is requested too early. */
const unfinishedOutput = z.object({ status: z.enum(["IN_QUEUE", "IN_PROGRESS"]) });

/** fal.ai as a provider. Its client is made to send exactly one HTTP request per call (see `FalErrorAnswer`). */
export function createFalAdapter(config: FalConfig): VideoProvider {
  const queueUrl = (config.queueUrl ?? QUEUE_URL).replace(/\/+$/, "");
  const keepMediaSeconds = config.keepMediaSeconds ?? KEEP_MEDIA_SECONDS;
  const send = config.fetch ?? fetch;
  const fal = createFalClient({
    credentials: config.key,
    fetch: createFalFetch(send),
    requestMiddleware: (request) =>
      Promise.resolve({ ...request, url: request.url.replace(QUEUE_URL, () => queueUrl) }),
  });
  const allowedHosts = config.queueUrl ? [...MEDIA_HOSTS, new URL(config.queueUrl).origin] : MEDIA_HOSTS;

  return {
    submit: (submission, options) => submit(fal, keepMediaSeconds, submission, options),
    check: (run, options) => check(fal, run, options),
    cancel: (run, options) => cancel(fal, run, options),
    fetchMedia: (url, { signal }) => fetchMedia(url, { allowedHosts, signal, fetch: send }),
    webhook: {
      verify: createFalWebhookVerifier({ jwksUrl: config.jwksUrl, fetch: send, now: config.now }),
      runId: falRunId,
    },
  };
}

function reference(run: ProviderRun, { signal }: CallOptions): { requestId: string; abortSignal: AbortSignal } {
  return { requestId: encodeURIComponent(run.providerJobId), abortSignal: signal };
}

async function submit(
  fal: FalClient,
  keepMediaSeconds: number,
  submission: Submission,
  { signal }: CallOptions,
): Promise<ProviderRun> {
  const startSeconds = Math.max(MIN_START_SECONDS, Math.ceil(submission.startWithinSeconds));
  const answer = await fal.queue
    .submit(submission.model, {
      input: submission.input,
      abortSignal: signal,
      startTimeout: startSeconds,
      storageSettings: { expiresIn: keepMediaSeconds },
      headers: {
        // The newer name of the limit that `startTimeout` sends; fal prefers it where it gets both.
        "x-fal-request-start-timeout": String(startSeconds),
        // The user chose and paid for this model: fal must not run another one in its place. fal's own retries stay
        // on (no `x-fal-no-retry`): they are part of this paid request, ours would be a new one.
        "x-app-fal-disable-fallback": "true",
      },
      ...(submission.webhookUrl === undefined ? {} : { webhookUrl: submission.webhookUrl }),
    })
    .catch((error: unknown) => {
      throw submitError(error);
    });
  const accepted = acceptedSubmission.safeParse(answer);
  if (!accepted.success) {
    throw badAnswerError("the submission's answer has no request_id", true);
  }
  return { model: submission.model, providerJobId: accepted.data.request_id };
}

async function check(fal: FalClient, run: ProviderRun, options: CallOptions): Promise<RunState> {
  const reply = await replyOf(fal.queue.status(run.model, reference(run, options)));
  if ("errorAnswer" in reply) {
    if (isNotFound(reply.errorAnswer)) return expired(reply.errorAnswer);
    throw transient(classify(reply.errorAnswer));
  }
  const status = queueStatus.safeParse(reply.value).data;
  if (!status) throw badAnswerError("the status has no `status`");
  if (status.status === "IN_QUEUE") {
    return { state: "queued", queuePosition: status.queue_position ?? null };
  }
  // Also for an unknown state: only COMPLETED ends a run.
  if (status.status !== "COMPLETED") {
    return { state: "running", percent: null };
  }
  return await readResult(fal, run, status, options);
}

/** A completed run may have failed: often only the result says so, by its HTTP status and body. */
async function readResult(
  fal: FalClient,
  run: ProviderRun,
  status: QueueStatus,
  options: CallOptions,
): Promise<RunState> {
  const reported = reportedFailure(status);
  try {
    const result = await replyOf(fal.queue.result(run.model, reference(run, options)));
    if ("value" in result) return succeeded(result.value.data, run.outputPath);
    if (isStillRunning(result.errorAnswer)) {
      return { state: "running", percent: null };
    }
    if (isNotFound(result.errorAnswer)) {
      return reported ?? expired(result.errorAnswer);
    }
    if (isRunFailure(result.errorAnswer)) {
      return { state: "failed", error: classify(result.errorAnswer) };
    }
    throw transient(classify(result.errorAnswer));
  } catch (error) {
    if (reported) return reported;
    throw error;
  }
}

async function cancel(fal: FalClient, run: ProviderRun, options: CallOptions): Promise<boolean> {
  const reply = await replyOf(fal.queue.cancel(run.model, reference(run, options)));
  if ("value" in reply) return true;
  if (isTooLateToCancel(reply.errorAnswer)) return false;
  throw transient(classify(reply.errorAnswer));
}

/** The value of a call, or fal's error answer. Throws a retryable `ProviderError` where no whole answer came. */
async function replyOf<Value>(call: Promise<Value>): Promise<Reply<Value>> {
  try {
    return { value: await call };
  } catch (error) {
    if (error instanceof FalErrorAnswer) return { errorAnswer: error.answer };
    throw requestError(error, false);
  }
}

function submitError(error: unknown): ProviderError {
  if (!(error instanceof FalErrorAnswer)) return requestError(error, true);
  return classify(error.answer, !isCertainRefusal(error.answer.status));
}

/** Final, and not to be tried again: fal may have billed the run, or still be running it. */
function expired(answer: HttpAnswer): RunState {
  return { state: "failed", error: new ProviderError("rejected", "result_expired", describe(answer)) };
}

function succeeded(data: unknown, outputPath: string | undefined): RunState {
  if (unfinishedOutput.safeParse(data).success) {
    return { state: "running", percent: null };
  }
  const media = outputPath === undefined ? mediaOf(data) : mediaAt(data, outputPath);
  if (Object.keys(media).length > 0) return { state: "succeeded", media };
  const fields = typeof data === "object" && data !== null ? Object.keys(data).join(", ") : typeof data;
  return { state: "failed", error: new ProviderError("rejected", "no_media", `no media in the output: ${fields}`) };
}

/** The failure in a completed status, if any. The result says more, but may be unreachable or deleted. */
function reportedFailure({ error, error_type }: QueueStatus): RunState | undefined {
  if (!error && !error_type) return undefined;
  const errorClass = FAL_ERROR_TYPES.get(error_type ?? "") ?? { kind: "retryable", code: "provider_error" };
  const detail = `${error_type ?? ""} ${typeof error === "string" ? error : JSON.stringify(error)}`.trim();
  return { state: "failed", error: new ProviderError(errorClass.kind, errorClass.code, detail) };
}
