/** What Google's errors mean for a job: https://ai.google.dev/gemini-api/docs/troubleshooting and google.rpc.Code. */

import { z } from "zod";
import { factsOf, type HttpAnswer } from "../send-once.ts";
import { toLogLine } from "../json-api.ts";
import { classOfStatus, type ErrorClass, fatal, rejected, retryable } from "../error-class.ts";
import { ProviderError } from "../provider.ts";

/** How a finished operation can have failed: every google.rpc.Code that is an error. */
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

/** The one place where an HTTP answer outside 2xx gets its errorClass. */
export function classifyVeo(answer: HttpAnswer): ProviderError {
  const error = errorBody.safeParse(answer.body).data?.error;
  const { kind, code } = (error && classOfWords(error)) ?? classOfStatus(answer.status);
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

/** Whether Google says that it does not know the operation (or no longer); a page of HTML says nothing about it. */
export function isGone(answer: HttpAnswer): boolean {
  return answer.status === 404 && errorBody.safeParse(answer.body).success;
}

/** A finished operation's `error`. */
export function operationFailure(reported: unknown): ProviderError {
  const error: Status = status.safeParse(reported).data ?? {};
  const { kind, code } = classOfWords(error) ?? RPC_CODES.get(error.code ?? 2) ?? retryable("provider_error");
  return new ProviderError(kind, code, toLogLine(`${error.code ?? "no code"} ${error.message ?? ""}`));
}

/**
 * Google's codes are wide: these meanings are told by words only, and only beside the codes that they come with, since a
 * text may quote a user's prompt and a fatal error shuts the provider for everybody.
 */
const WORDS: readonly [codes: readonly (number | string)[], words: RegExp, errorClass: ErrorClass][] = [
  // A bad key is a 400 INVALID_ARGUMENT, like a bad input.
  [["INVALID_ARGUMENT"], /^API key (not valid|expired)|"reason":"API_KEY_INVALID"/, fatal("provider_unauthorized")],
  // A day's quota or a spend cap: no retry within minutes outlasts it. "Check your plan and billing details" is no such
  // word: it is said of a minute's quota too.
  [["RESOURCE_EXHAUSTED", 8], /per ?day|daily|spend(ing)? ?(cap|limit)|prepa(id|yment)/i, fatal("provider_locked")],
  [["FAILED_PRECONDITION", "PERMISSION_DENIED"], /\bbilling\b|CONSUMER_SUSPENDED/i, fatal("provider_locked")],
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

function classOfWords(error: Status): ErrorClass | undefined {
  const code = error.status ?? error.code ?? 0;
  const text = `${error.message ?? ""} ${JSON.stringify(error.details) ?? ""}`;
  return WORDS.find(([codes, words]) => codes.includes(code) && words.test(text))?.[2];
}

/**
 * What became of a video that Google's filter took out, which it does not bill. A filtered sound is a false alarm so often
 * that the same prompt tends to pass the next time (https://github.com/googleapis/js-genai/issues/1272), so it is tried
 * again; a filtered picture or prompt is not.
 */
export function filtered(reasons: readonly string[]): ProviderError {
  const text = reasons.join("; ");
  const kind = /\baudio\b/i.test(text) ? "retryable" : "rejected";
  return new ProviderError(kind, "content_policy", toLogLine(text || "filtered without a reason"));
}
