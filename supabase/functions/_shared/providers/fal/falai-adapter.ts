/** fal.ai as a `VideoProvider`, through its own client. */

import { createFalClient } from "@fal-ai/client";
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
import { createFalFetch, FalErrorAnswer, type HttpAnswer, NoResponse } from "./fal-fetch.ts";
import { mediaAt, mediaOf } from "../output-media.ts";
import { createFalWebhookVerifier, falRunId } from "./fal-webhook.ts";
import { badAnswerError, transient } from "../json-api.ts";
import { isCertainRefusal } from "../error-class.ts";
import { fetchMedia } from "../media.ts";
import {
  type CallOptions,
  ProviderError,
  type ProviderRun,
  type RunState,
  type Submission,
  type VideoProvider,
} from "../provider.ts";

/** Where and as whom to call fal. */
export interface FalConfig {
  key: string;
  /** Where the queue lives instead of https://queue.fal.run: a simulator. Its media are then opened too. */
  queueUrl?: string;
  /** How long fal keeps the files it makes. Longer where users are given fal's own URLs. */
  keepMediaSeconds?: number;
  /** Where the keys of its webhooks are, instead of fal's own addresses: a simulator. */
  jwksUrl?: string;
  fetch?: typeof fetch;
  /** The clock by which a webhook is stale, in milliseconds. */
  now?: () => number;
}

const QUEUE_URL = "https://queue.fal.run";

/** A week: copying them to our own storage may fail for days before somebody looks. Without it they stay public for ever. */
const KEEP_MEDIA_SECONDS = 7 * 24 * 60 * 60;

/** The client refuses a start limit of one second or less. */
const MIN_START_SECONDS = 2;

/** Where fal's models leave their files. */
const MEDIA_HOSTS = ["fal.media", "*.fal.media", "storage.googleapis.com/falserverless/"];

const acceptedSubmission = z.object({ request_id: z.string().min(1) });

const queueStatus = z.object({
  status: z.string(),
  queue_position: z.number().nullish().catch(null),
  error: z.unknown().optional(),
  error_type: z.string().nullish().catch(null),
});

type QueueStatus = z.infer<typeof queueStatus>;

/** One reference to an accepted run is not an output, although some queues answer 2xx with it. */
const unfinishedOutput = z.object({ status: z.enum(["IN_QUEUE", "IN_PROGRESS"]) });

/** The fal client, made to send exactly one HTTP request per call (see `FalErrorAnswer`), as a provider. */
export function createFalAdapter(config: FalConfig): VideoProvider {
  const queueUrl = (config.queueUrl ?? QUEUE_URL).replace(/\/+$/, "");
  const send = config.fetch ?? fetch;
  const fal = createFalClient({
    credentials: config.key,
    fetch: createFalFetch(send),
    requestMiddleware: (request) =>
      Promise.resolve({ ...request, url: request.url.replace(QUEUE_URL, () => queueUrl) }),
  });
  const allowedHosts = config.queueUrl ? [...MEDIA_HOSTS, new URL(config.queueUrl).origin] : MEDIA_HOSTS;

  const reference = (run: ProviderRun, { signal }: CallOptions) => ({
    requestId: encodeURIComponent(run.providerJobId),
    abortSignal: signal,
  });

  async function submit(submission: Submission, { signal }: CallOptions): Promise<ProviderRun> {
    const startSeconds = Math.max(MIN_START_SECONDS, Math.ceil(submission.startWithinSeconds));
    const answer = await fal.queue
      .submit(submission.model, {
        input: submission.input,
        abortSignal: signal,
        startTimeout: startSeconds,
        storageSettings: { expiresIn: config.keepMediaSeconds ?? KEEP_MEDIA_SECONDS },
        headers: {
          // The newer name of the limit that `startTimeout` sends; fal prefers it where both are there.
          "x-fal-request-start-timeout": String(startSeconds),
          // The user chose and paid for this model at its price: another one in its place would be a wrong delivery.
          // fal's retries stay on (no `x-fal-no-retry`): they are the same paid request, where ours would be a new one.
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

  async function check(run: ProviderRun, options: CallOptions): Promise<RunState> {
    const look = await settle(fal.queue.status(run.model, reference(run, options)));
    if ("refusal" in look) {
      if (isNotFound(look.refusal)) return expired(look.refusal);
      throw transient(classify(look.refusal));
    }
    const status = queueStatus.safeParse(look.value).data;
    if (!status) throw badAnswerError("the status has no `status`");
    if (status.status === "IN_QUEUE") {
      return { state: "queued", queuePosition: status.queue_position ?? null };
    }
    // Also where the state is one that we do not know: only COMPLETED ends a run.
    if (status.status !== "COMPLETED") {
      return { state: "running", percent: null };
    }
    return await readResult(run, status, options);
  }

  /** A completed run may have failed: then only the result says so, by its own HTTP status and body. */
  async function readResult(run: ProviderRun, status: QueueStatus, options: CallOptions): Promise<RunState> {
    const reported = reportedFailure(status);
    try {
      const result = await settle(fal.queue.result(run.model, reference(run, options)));
      if ("value" in result) return succeeded(result.value.data, run.outputPath);
      if (isStillRunning(result.refusal)) {
        return { state: "running", percent: null };
      }
      if (isNotFound(result.refusal)) {
        return reported ?? expired(result.refusal);
      }
      if (isRunFailure(result.refusal)) {
        return { state: "failed", error: classify(result.refusal) };
      }
      throw transient(classify(result.refusal));
    } catch (error) {
      if (reported) return reported;
      throw error;
    }
  }

  async function cancel(run: ProviderRun, options: CallOptions): Promise<boolean> {
    const answer = await settle(fal.queue.cancel(run.model, reference(run, options)));
    if ("value" in answer) return true;
    if (isTooLateToCancel(answer.refusal)) return false;
    throw transient(classify(answer.refusal));
  }

  return {
    submit,
    check,
    cancel,
    fetchMedia: (url, { signal }) => fetchMedia(url, { allowedHosts, signal, fetch: send }),
    webhook: {
      verify: createFalWebhookVerifier({ jwksUrl: config.jwksUrl, fetch: send, now: config.now }),
      runId: falRunId,
    },
  };
}

/** The value of a call, or fal's refusal of it; everything else is thrown as a retryable `ProviderError`. */
async function settle<Value>(call: Promise<Value>): Promise<{ value: Value } | { refusal: HttpAnswer }> {
  try {
    return { value: await call };
  } catch (error) {
    if (error instanceof FalErrorAnswer) return { refusal: error.answer };
    throw error instanceof NoResponse ? silence(error) : badAnswerError(String(error));
  }
}

function submitError(error: unknown): ProviderError {
  if (error instanceof FalErrorAnswer) {
    return classify(error.answer, !isCertainRefusal(error.answer.status));
  }
  if (error instanceof NoResponse) return silence(error, error.mayHaveArrived);
  return badAnswerError(String(error), true);
}

function silence(error: NoResponse, mayHaveStarted = false): ProviderError {
  const code = error.aborted ? "provider_timeout" : "provider_unreachable";
  return new ProviderError("retryable", code, error.detail, mayHaveStarted);
}

/** Final, and not to be tried again: fal has run and billed it, or it may even still be running. */
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

/** The failure that a completed status itself tells, if any; the result tells more, but may be out of reach or gone. */
function reportedFailure({ error, error_type }: QueueStatus): RunState | undefined {
  if (!error && !error_type) return undefined;
  const errorClass = FAL_ERROR_TYPES.get(error_type ?? "") ?? { kind: "retryable", code: "provider_error" };
  const detail = `${error_type ?? ""} ${typeof error === "string" ? error : JSON.stringify(error)}`.trim();
  return { state: "failed", error: new ProviderError(errorClass.kind, errorClass.code, detail) };
}
