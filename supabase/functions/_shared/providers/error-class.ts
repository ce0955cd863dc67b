/** What an error of a provider means for a job, in the words of `ProviderError`. */

import type { ProviderErrorCode, ProviderErrorKind } from "./provider.ts";

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
  [403, fatal("provider_unauthorized")],
  // Not fatal: another model of the same provider still works.
  [404, rejected("provider_model_missing")],
  [408, retryable("provider_timeout")],
  [429, retryable("provider_busy")],
  [503, retryable("provider_busy")],
  [504, retryable("provider_timeout")],
]);

/** What an HTTP status outside 2xx means where the provider's own words do not say more. */
export function classOfStatus(status: number): ErrorClass {
  const listed = STATUSES.get(status);
  if (listed) return listed;
  if (status >= 500) return retryable("provider_error");
  return status >= 400 ? rejected("provider_rejected_input") : retryable("provider_bad_answer");
}

/**
 * Answers to a submission by which the provider has certainly not taken it: its own refusals. Not 408 and 499 (how far the
 * request came is open), nor a gateway's 502 and 504, behind which it may be running.
 */
export function isCertainRefusal(status: number): boolean {
  return (status >= 400 && status < 500 && status !== 408 && status !== 499) || status === 500 || status === 503;
}
