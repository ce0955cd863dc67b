/**
 * RunPod serverless as a `VideoProvider`, through plain `fetch`: its SDK (`runpod-sdk` 1.1) takes no signal and no
 * `fetch`, writes to the console, and drops the body of an error answer, which holds the reason.
 */

import { z } from "zod";
import { badAnswerError, transient } from "../error-class.ts";
import { createJsonApi } from "../json-api.ts";
import { fetchMedia } from "../media.ts";
import {
  type CallOptions,
  ProviderError,
  type ProviderRun,
  type RunState,
  type Submission,
  type VideoProvider,
} from "../provider.ts";
import { classifyRunpod, handlerFailure, isGone, isTooLateToCancel } from "./runpod-errors.ts";
import { handlerMediaOf, percentOf } from "./runpod-media.ts";

/** The key, and what differs from RunPod's own service. */
export interface RunpodConfig {
  key: string;
  /**
   * The hosts where handlers store their files, as in `MediaOptions.allowedHosts`: RunPod has no file hosts of its own.
   */
  mediaHosts: readonly string[];
  /** The URL of the API instead of https://api.runpod.ai/v2: a simulator. Its media are then opened too. */
  baseUrl?: string;
  fetch?: typeof fetch;
}

const BASE_URL = "https://api.runpod.ai/v2";

/**
 * The longest run, in seconds. It is longer than any `max_run_seconds` of the catalogue: the job's own deadline comes
 * first and cancels the run. This one limits the cost of a run whose cancellation got lost.
 */
const RUN_SECONDS = 30 * 60;

/** The longest `ttl` that RunPod accepts. */
const MAX_TTL_SECONDS = 7 * 24 * 60 * 60;

const accepted = z.object({ id: z.string().min(1) });

const runStatus = z.object({
  status: z.string().min(1),
  output: z.unknown().optional(),
  error: z.unknown().optional(),
});

const handlerError = z.object({ error: z.unknown() });

/** How OpenV's published workers report an exception: https://github.com/MALPV/worker-mochi, src/handler.py. */
const failedResult = z.object({ result: z.string().regex(/^FAILED\b/) });

/** RunPod's queue endpoints; a model is the id of an endpoint. */
export function createRunpodAdapter(config: RunpodConfig): VideoProvider {
  const baseUrl = config.baseUrl ?? BASE_URL;
  const send = config.fetch ?? fetch;
  const api = createJsonApi({
    baseUrl,
    headers: { authorization: `Bearer ${config.key}` },
    classify: classifyRunpod,
    fetch: send,
  });
  const allowedHosts = config.baseUrl ? [...config.mediaHosts, new URL(config.baseUrl).origin] : config.mediaHosts;

  async function submit(submission: Submission, options: CallOptions): Promise<ProviderRun> {
    const body = {
      input: submission.input,
      ...(submission.webhookUrl === undefined ? {} : { webhook: submission.webhookUrl }),
      policy: policyOf(submission.startWithinSeconds),
    };
    const answer = accepted.safeParse(await api.submit(`/${encodeURIComponent(submission.model)}/run`, body, options));
    if (!answer.success) throw badAnswerError("the submission's answer has no id", true);
    return { model: submission.model, providerJobId: answer.data.id };
  }

  async function check(run: ProviderRun, options: CallOptions): Promise<RunState> {
    const reply = await api.ask("GET", pathOf(run, "status"), options);
    if ("errorAnswer" in reply) {
      const error = classifyRunpod(reply.errorAnswer);
      // Final, and not to be tried again: RunPod may have billed the run, or still be running it.
      if (isGone(reply.errorAnswer)) return failed("rejected", "result_expired", error.detail);
      throw transient(error);
    }
    const status = runStatus.safeParse(reply.value).data;
    if (!status) throw badAnswerError("the status has no `status`");
    return stateOf(status, run.outputPath);
  }

  async function cancel(run: ProviderRun, options: CallOptions): Promise<boolean> {
    const reply = await api.ask("POST", pathOf(run, "cancel"), options);
    if ("errorAnswer" in reply) {
      if (isTooLateToCancel(reply.errorAnswer)) return false;
      throw transient(classifyRunpod(reply.errorAnswer));
    }
    const status = runStatus.safeParse(reply.value).data;
    if (!status) throw badAnswerError("the cancellation's answer has no `status`");
    return status.status === "CANCELLED";
  }

  return {
    submit,
    check,
    cancel,
    fetchMedia: (url, { signal }) => fetchMedia(url, { allowedHosts, signal, fetch: send }),
    // No `verify`: RunPod signs nothing, so the token in the webhook's URL is the only proof.
    webhook: { runId },
  };
}

/**
 * RunPod has no start limit, only a `ttl` for queue and run together, after which it deletes the job, even a running
 * one. So `ttl` is the start limit plus the longest run: a run that started in time never ends by it.
 */
function policyOf(startWithinSeconds: number): { executionTimeout: number; ttl: number } {
  const ttlSeconds = Math.min(MAX_TTL_SECONDS, Math.ceil(startWithinSeconds) + RUN_SECONDS);
  return { executionTimeout: RUN_SECONDS * 1000, ttl: ttlSeconds * 1000 };
}

function stateOf({ status, output, error }: z.infer<typeof runStatus>, outputPath: string | undefined): RunState {
  switch (status) {
    case "IN_QUEUE":
      return { state: "queued", queuePosition: null };
    case "COMPLETED":
      return finished(output, error, outputPath);
    case "FAILED":
      return { state: "failed", error: handlerFailure(error ?? errorIn(output) ?? output) };
    case "TIMED_OUT":
      return failed("retryable", "provider_timeout", "not started in time, or the worker stopped answering");
    case "CANCELLED":
      return failed("rejected", "cancelled_by_provider", "cancelled at RunPod");
    default:
      // IN_PROGRESS, RUNNING and any new state: only a known state ends a run.
      return { state: "running", percent: percentOf(output) };
  }
}

function finished(output: unknown, error: unknown, outputPath: string | undefined): RunState {
  const media = handlerMediaOf(output, outputPath);
  if (Object.keys(media).length > 0) return { state: "succeeded", media };
  const reported = error ?? errorIn(output);
  if (reported) return { state: "failed", error: handlerFailure(reported) };
  const fields = typeof output === "object" && output !== null ? Object.keys(output).join(", ") : typeof output;
  return failed("rejected", "no_media", `no media in the output: ${fields}`);
}

/** A handler that returns `{ "error": … }` or `{ "result": "FAILED: …" }` has failed, whatever the state says. */
function errorIn(output: unknown): unknown {
  return handlerError.safeParse(output).data?.error ?? failedResult.safeParse(output).data?.result;
}

function failed(...[kind, code, detail]: ConstructorParameters<typeof ProviderError>): RunState {
  return { state: "failed", error: new ProviderError(kind, code, detail) };
}

function pathOf(run: ProviderRun, verb: "status" | "cancel"): string {
  return `/${encodeURIComponent(run.model)}/${verb}/${encodeURIComponent(run.providerJobId)}`;
}

/** The run that a webhook is about. Its body also repeats our input and URL: nothing else of it is read or logged. */
function runId(body: BufferSource): string | null {
  try {
    return accepted.parse(JSON.parse(new TextDecoder().decode(body))).id;
  } catch {
    return null;
  }
}
