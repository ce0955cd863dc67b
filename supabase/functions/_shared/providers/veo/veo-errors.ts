/** What Google's errors mean for a job: https://ai.google.dev/gemini-api/docs/troubleshooting and google.rpc.Code. */

import { z } from "zod";
import { classOfStatus, type ErrorClass, fatal, rejected, retryable, toLogLine } from "../error-class.ts";
import { ProviderError } from "../provider.ts";
import { factsOf, type HttpAnswer } from "../send-once.ts";

/** The error of a finished operation by its code: every google.rpc.Code that is an error. */
export const RPC_CODES: ReadonlyMap<number, ErrorClass> = new Map([
  [1, rejected("cancelled_by_provider")],
  [2, retryable("provider_error")],
  [3, rejected("provider_rejected_input")],
  [4, retryable("provider_timeout")],
  [5, rejected("provider_model_missing")],
  [6, retryable("provider_error")],
  [7, fatal("provider_unauthorized")],
  [8, retryable("provider_busy")],
  [9, rejected("provider_rejected_input")],
  [10, retryable("provider_error")],
  [11, rejected("provider_rejected_input")],
  [12, rejected("provider_rejected_input")],
  [13, retryable("provider_error")],
  [14, retryable("provider_busy")],
  [15, retryable("provider_error")],
  [16, fatal("provider_unauthorized")],
]);

const status = z.object({
  code: z.number().nullish().catch(null),
  message: z.string().nullish().catch(null),
  status: z.string().nullish().catch(null),
  details: z.unknown().optional(),
});

type Status = z.infer<typeof status>;

const errorBody = z.object({ error: status });

/** The error of an answer outside 2xx. */
export function classifyVeo(answer: HttpAnswer): ProviderError {
  const error = errorBody.safeParse(answer.body).data?.error;
  const { kind, code } = (error && classOfText(error)) ?? classOfStatus(answer.status);
  const text = error ? `${error.status ?? ""} ${error.message ?? ""}` : answer.body;
  const detail = toLogLine(`HTTP ${answer.status} ${typeof text === "string" ? text : ""}`);
  const facts = factsOf(answer);
  // google.rpc.RetryInfo
  const delay = /"retryDelay":"(\d+)(?:\.\d+)?s"/.exec(JSON.stringify(error?.details) ?? "")?.[1];
  return new ProviderError(kind, code, detail, false, {
    ...facts,
    retryAfterSeconds: facts.retryAfterSeconds ?? (delay === undefined ? undefined : Number(delay)),
  });
}

/** Whether Google says that it does not know the operation, or no longer; an HTML page says nothing about it. */
export function isGone(answer: HttpAnswer): boolean {
  return answer.status === 404 && errorBody.safeParse(answer.body).success;
}

/** The error of a finished operation, from its `error`. */
export function operationFailure(reported: unknown): ProviderError {
  const error: Status = status.safeParse(reported).data ?? {};
  const { kind, code } = classOfText(error) ?? RPC_CODES.get(error.code ?? 2) ?? retryable("provider_error");
  return new ProviderError(kind, code, toLogLine(`${error.code ?? "no code"} ${error.message ?? ""}`));
}

/**
 * One code of Google's has several meanings; these are recognized by the text. Each text counts only with its own
 * codes: a text may quote a user's prompt, and a fatal error closes the provider for all users.
 */
const ERROR_TEXTS: readonly [codes: readonly (number | string)[], text: RegExp, errorClass: ErrorClass][] = [
  // A bad key is a 400 INVALID_ARGUMENT, like a bad input.
  [["INVALID_ARGUMENT"], /^API key (not valid|expired)|"reason":"API_KEY_INVALID"/, fatal("provider_unauthorized")],
  // A day's quota or a spend cap: a retry within minutes cannot succeed. "Check your plan and billing details" is not
  // listed: Google says it about a minute's quota too.
  [["RESOURCE_EXHAUSTED", 8], /per ?day|daily|spend(ing)? ?(cap|limit)|prepa(id|yment)/i, fatal("provider_locked")],
  [["FAILED_PRECONDITION", "PERMISSION_DENIED"], /\bbilling\b|CONSUMER_SUSPENDED/i, fatal("provider_locked")],
  // Whatever the text: the key has no permission, or the project has not enabled the API.
  [["PERMISSION_DENIED"], /^/, fatal("provider_unauthorized")],
  [
    ["INVALID_ARGUMENT", "FAILED_PRECONDITION", 3, 9],
    /usage guidelines|safety (filter|polic|settings)|content polic|responsible ai/i,
    rejected("content_policy"),
  ],
  [
    ["INVALID_ARGUMENT", 3],
    /unable to process (the )?input image|image is not valid|unsupported (image|mime)/i,
    rejected("image_rejected"),
  ],
];

function classOfText(error: Status): ErrorClass | undefined {
  const code = error.status ?? error.code ?? 0;
  const text = `${error.message ?? ""} ${JSON.stringify(error.details) ?? ""}`;
  return ERROR_TEXTS.find(([codes, pattern]) => codes.includes(code) && pattern.test(text))?.[2];
}

/**
 * The error of a video that Google's filter removed, which Google does not bill. A filtered sound is often a false
 * alarm: the same prompt tends to pass the next time (https://github.com/googleapis/js-genai/issues/1272), so it is
 * tried again. A filtered picture or prompt is not.
 */
export function filteredVideo(reasons: readonly string[]): ProviderError {
  const text = reasons.join("; ");
  const kind = /\baudio\b/i.test(text) ? "retryable" : "rejected";
  return new ProviderError(kind, "content_policy", toLogLine(text || "filtered without a reason"));
}
