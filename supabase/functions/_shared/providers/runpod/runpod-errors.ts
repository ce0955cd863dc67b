/** What RunPod's errors mean for a job: https://docs.runpod.io/serverless/endpoints/operation-reference */

import { z } from "zod";
import { classOfStatus, type ErrorClass, fatal, rejected, retryable, toLogLine } from "../error-class.ts";
import { ProviderError } from "../provider.ts";
import { factsOf, type HttpAnswer } from "../send-once.ts";

const text = z.string().nullish().catch(null);
const errorBody = z.object({ error: text, message: text, detail: text, title: text });

/** The error of an answer outside 2xx. */
export function classifyRunpod(answer: HttpAnswer): ProviderError {
  const { kind, code } = classOf(answer);
  return new ProviderError(kind, code, describe(answer), false, factsOf(answer));
}

function classOf(answer: HttpAnswer): ErrorClass {
  // The answer for an empty balance is not documented.
  const isAboutMoney = (answer.status === 401 || answer.status === 403) &&
    /\b(balance|funds|spend(ing)? limit)\b/i.test(textOf(answer));
  return isAboutMoney ? fatal("provider_locked") : classOfStatus(answer.status);
}

/**
 * Whether RunPod says that it does not know the run: its `ttl` is over, or the half hour for which RunPod keeps a
 * result. An HTML page or a bare "Not Found" is a routing error and says nothing about the run.
 */
export function isGone(answer: HttpAnswer): boolean {
  return answer.status === 404 && errorBody.safeParse(answer.body).success && !/^(not found)?$/i.test(textOf(answer));
}

/** Whether a cancellation came too late, or for a run that RunPod does not know. */
export function isTooLateToCancel(answer: HttpAnswer): boolean {
  return answer.status === 400 || isGone(answer);
}

/** Texts of handlers that name the request's fault. Any other may be the worker's: out of memory, a broken download. */
const HANDLER_ERROR_TEXTS: readonly [text: RegExp, errorClass: ErrorClass][] = [
  [/\bnsfw\b|content policy|safety (checker|filter)|\bmoderation\b/i, rejected("content_policy")],
  // The sentences of RunPod's own validator, runpod-python `serverless/utils/rp_validator.py`.
  [
    /is not a valid input option|is a required input|does not meet the constraints|should be <class .+> type/i,
    rejected("provider_rejected_input"),
  ],
  // Pillow's sentences, by which Python handlers open images.
  [/cannot identify image file|image file is truncated/i, rejected("image_rejected")],
  [/\btimed? ?out\b|\btimeout\b/i, retryable("provider_timeout")],
];

/** The error of a failed run, from the text of the handler's exception or any other value of its `error`. */
export function handlerFailure(error: unknown): ProviderError {
  const text = typeof error === "string" ? error : JSON.stringify(error) ?? "";
  const errorClass = HANDLER_ERROR_TEXTS.find(([pattern]) => pattern.test(text))?.[1] ?? retryable("provider_error");
  return new ProviderError(errorClass.kind, errorClass.code, toLogLine(text || "the run failed without a text"));
}

function describe(answer: HttpAnswer): string {
  return toLogLine(`HTTP ${answer.status} ${textOf(answer)}`);
}

function textOf({ body }: HttpAnswer): string {
  if (typeof body === "string") return body;
  const found = errorBody.safeParse(body).data;
  return found?.error ?? found?.message ?? found?.detail ?? found?.title ?? "";
}
