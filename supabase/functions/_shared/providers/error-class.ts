/** What an error of a provider means for a job, and the errors that every adapter throws. */

import { ProviderError, type ProviderErrorCode, type ProviderErrorKind } from "./provider.ts";
import { NoResponse } from "./send-once.ts";

/** The meaning of a provider's error, as `ProviderError` carries it. */
export interface ErrorClass {
  kind: ProviderErrorKind;
  code: ProviderErrorCode;
}

export const retryable = (code: ProviderErrorCode): ErrorClass => ({ kind: "retryable", code });
export const rejected = (code: ProviderErrorCode): ErrorClass => ({ kind: "rejected", code });
export const fatal = (code: ProviderErrorCode): ErrorClass => ({ kind: "fatal", code });

const STATUSES: ReadonlyMap<number, ErrorClass> = new Map([
  [401, fatal("provider_unauthorized")],
  [402, fatal("provider_locked")],
  // Not fatal: the key is good, but this one request is not allowed, for its model or because a firewall dislikes its
  // text. Where the body says that it is about the account, the adapter makes it fatal.
  [403, rejected("provider_unauthorized")],
  // Not fatal: another model of the same provider still works.
  [404, rejected("provider_model_missing")],
  [408, retryable("provider_timeout")],
  [429, retryable("provider_busy")],
  [503, retryable("provider_busy")],
  [504, retryable("provider_timeout")],
]);

/** What an HTTP status outside 2xx means where the answer's body does not say more. */
export function classOfStatus(status: number): ErrorClass {
  const listed = STATUSES.get(status);
  if (listed) return listed;
  if (status >= 500) return retryable("provider_error");
  return status >= 400 ? rejected("provider_rejected_input") : retryable("provider_bad_answer");
}

/**
 * Whether the answer to a submission proves that no run has started: the provider itself refused it. Not proven by 408
 * and 499 (the request may have arrived), nor by a gateway's 502 and 504 (the provider behind it may have taken it).
 */
export function isCertainRefusal(status: number): boolean {
  return (status >= 400 && status < 500 && status !== 408 && status !== 499) || status === 500 || status === 503;
}

/**
 * The error of a request without a whole answer (`NoResponse`), or with one that could not be read. Where it was a paid
 * request a run may have started, unless the request never left this machine.
 */
export function requestError(error: unknown, isPaid: boolean): ProviderError {
  if (!(error instanceof NoResponse)) return badAnswerError(String(error), isPaid);
  const code = error.aborted ? "provider_timeout" : "provider_unreachable";
  return new ProviderError("retryable", code, error.detail, isPaid && error.mayHaveArrived);
}

/** An answer that cannot be understood. It says nothing about a run; after a submission one may have started. */
export function badAnswerError(detail: string, mayHaveStarted = false): ProviderError {
  return new ProviderError("retryable", "provider_bad_answer", detail, mayHaveStarted);
}

/** The error of a check that learned nothing about its run. Only a locked account or a refused key stays `fatal`. */
export function transient({ kind, code, detail, facts }: ProviderError): ProviderError {
  return new ProviderError(kind === "fatal" ? "fatal" : "retryable", code, detail, false, facts);
}

/** Enough to find the cause, not so much that a stack trace floods the log. */
const MAX_DETAIL_CHARACTERS = 500;

/** A provider's text as one line for the log, cut after 500 characters. */
export function toLogLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().slice(0, MAX_DETAIL_CHARACTERS);
}
