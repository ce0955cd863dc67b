/**
 * What fal's errors mean for a job. Sources: https://fal.ai/docs/errors (of models) and
 * https://fal.ai/docs/documentation/model-apis/request-errors (of the platform).
 */

import { z } from "zod";
import { classOfStatus, type ErrorClass, fatal, rejected, retryable, toLogLine } from "../error-class.ts";
import { ProviderError } from "../provider.ts";
import { factsOf, type HttpAnswer } from "../send-once.ts";

/** Every documented error type: a model's `detail[].type` and the platform's `error_type`. */
export const FAL_ERROR_TYPES: ReadonlyMap<string, ErrorClass> = new Map([
  ["internal_server_error", retryable("provider_error")],
  ["generation_timeout", retryable("provider_timeout")],
  ["downstream_service_error", retryable("provider_error")],
  ["downstream_service_unavailable", retryable("provider_busy")],
  ["content_policy_violation", rejected("content_policy")],
  ["no_media_generated", rejected("no_media")],
  ["image_too_small", rejected("image_rejected")],
  ["image_too_large", rejected("image_rejected")],
  ["image_load_error", rejected("image_rejected")],
  ["file_download_error", rejected("provider_rejected_input")],
  ["face_detection_error", rejected("image_rejected")],
  ["file_too_large", rejected("provider_rejected_input")],
  ["greater_than", rejected("provider_rejected_input")],
  ["greater_than_equal", rejected("provider_rejected_input")],
  ["less_than", rejected("provider_rejected_input")],
  ["less_than_equal", rejected("provider_rejected_input")],
  ["multiple_of", rejected("provider_rejected_input")],
  ["sequence_too_short", rejected("provider_rejected_input")],
  ["sequence_too_long", rejected("provider_rejected_input")],
  ["one_of", rejected("provider_rejected_input")],
  ["feature_not_supported", rejected("provider_rejected_input")],
  ["invalid_archive", rejected("provider_rejected_input")],
  ["archive_file_count_below_minimum", rejected("provider_rejected_input")],
  ["archive_file_count_exceeds_maximum", rejected("provider_rejected_input")],
  ["audio_duration_too_long", rejected("provider_rejected_input")],
  ["audio_duration_too_short", rejected("provider_rejected_input")],
  ["video_duration_too_long", rejected("provider_rejected_input")],
  ["video_duration_too_short", rejected("provider_rejected_input")],
  ["unsupported_audio_format", rejected("provider_rejected_input")],
  ["unsupported_image_format", rejected("image_rejected")],
  ["unsupported_video_format", rejected("provider_rejected_input")],
  ["request_timeout", retryable("provider_timeout")],
  ["startup_timeout", retryable("provider_timeout")],
  ["runner_scheduling_failure", retryable("provider_busy")],
  ["runner_connection_timeout", retryable("provider_timeout")],
  ["runner_disconnected", retryable("provider_error")],
  ["runner_connection_refused", retryable("provider_error")],
  ["runner_connection_error", retryable("provider_error")],
  ["runner_incomplete_response", retryable("provider_error")],
  ["runner_server_error", retryable("provider_error")],
  ["internal_error", retryable("provider_error")],
  ["client_disconnected", rejected("cancelled_by_provider")],
  ["client_cancelled", rejected("cancelled_by_provider")],
  ["bad_request", rejected("provider_rejected_input")],
  ["concurrent_requests_limit", retryable("provider_busy")],
]);

/** Errors about any kind of file; `loc` names the input field that holds it. */
const FILE_ERROR_TYPES: ReadonlySet<string> = new Set(["file_download_error", "file_too_large"]);

/** Statuses that mean something else at fal than at other providers. */
const STATUSES: ReadonlyMap<number, ErrorClass> = new Map([
  [410, rejected("result_expired")],
  [499, rejected("cancelled_by_provider")],
]);

const errorBody = z.object({
  status: z.string().nullish().catch(null),
  error_type: z.string().nullish().catch(null),
  detail: z.union([
    z.string(),
    z.array(z.object({
      type: z.string().nullish().catch(null),
      msg: z.string().nullish().catch(null),
      loc: z.array(z.union([z.string(), z.number()])).nullish().catch(null),
    })),
  ]).nullish().catch(null),
});

type ErrorBody = z.infer<typeof errorBody>;

const NO_BODY: ErrorBody = { status: null, error_type: null, detail: null };

function bodyOf(answer: HttpAnswer): ErrorBody {
  return errorBody.safeParse(answer.body).data ?? NO_BODY;
}

/** The error of an answer outside 2xx. */
export function classify(answer: HttpAnswer, mayHaveStarted = false): ProviderError {
  const { kind, code } = classOf(answer);
  return new ProviderError(kind, code, describe(answer), mayHaveStarted, factsOf(answer));
}

function classOf(answer: HttpAnswer): ErrorClass {
  // Our own start limit ran out: the job has failed by then, so another attempt has no user.
  if (answer.headers.get("x-fal-request-timeout-type") === "user") return rejected("provider_timeout");
  const listed = listedType(answer);
  const errorClass = listed ?? byStatus(answer);
  const wantsRetry = retryHeader(answer.headers);
  if (errorClass.kind === "retryable" && wantsRetry === false) return rejected(errorClass.code);
  const unlisted = listed === undefined && errorClass.code === "provider_rejected_input";
  return unlisted && wantsRetry ? retryable("provider_error") : errorClass;
}

function listedType(answer: HttpAnswer): ErrorClass | undefined {
  if (refusesImageFile(answer)) return rejected("image_rejected");
  for (const type of typesOf(answer)) {
    const errorClass = FAL_ERROR_TYPES.get(type);
    if (errorClass) return errorClass;
  }
}

function refusesImageFile(answer: HttpAnswer): boolean {
  const { detail } = bodyOf(answer);
  return Array.isArray(detail) &&
    detail.some(({ type, loc }) =>
      FILE_ERROR_TYPES.has(type ?? "") && loc?.some((part) => /image|frame/i.test(String(part)))
    );
}

function typesOf(answer: HttpAnswer): string[] {
  const body = bodyOf(answer);
  const modelTypes = Array.isArray(body.detail) ? body.detail.map((item) => item.type) : [];
  return [...modelTypes, body.error_type, answer.headers.get("x-fal-error-type")]
    .filter((type) => typeof type === "string");
}

/**
 * "User is locked. Reason: …" (exhausted balance, top-up, admin lock), the only 403 seen from fal so far, and not
 * documented: https://github.com/fal-ai/fal/issues/1147, /1163 and /1168. A refused key is a 401.
 */
const ACCOUNT_LOCKED = /\b(user|account) (is|has been) locked\b|\bexhausted balance\b/i;

function byStatus(answer: HttpAnswer): ErrorClass {
  const { detail } = bodyOf(answer);
  const isLocked = answer.status === 403 && typeof detail === "string" && ACCOUNT_LOCKED.test(detail);
  if (isLocked) return fatal("provider_locked");
  return STATUSES.get(answer.status) ?? classOfStatus(answer.status);
}

/** Whether fal itself advises to retry; the header has had two names. */
function retryHeader(headers: Headers): boolean | undefined {
  const value = headers.get("x-fal-needs-retry") ?? headers.get("x-fal-retryable");
  return value === null ? undefined : /^(1|true|yes)$/i.test(value.trim());
}

/** Statuses about the caller, not about the run: the key, the account, too many requests. */
const CALLER_STATUSES: ReadonlySet<number> = new Set([401, 402, 403, 407, 429]);

/** Statuses that no model answers with (https://fal.ai/docs/errors): with bare text they come from a gateway. */
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([502, 503]);

/**
 * Whether an error answer to the request for a result is the failure of the run itself, which fal passes on unchanged.
 * In doubt it is not, and the run is checked again: a gateway's error taken for a failure would cost a second paid run.
 */
export function isRunFailure(answer: HttpAnswer): boolean {
  if (CALLER_STATUSES.has(answer.status)) return false;
  if (isNotFound(answer) || typesOf(answer).length > 0) return true;
  return typeof bodyOf(answer).detail === "string" && !GATEWAY_STATUSES.has(answer.status);
}

/** Whether fal says that it does not know the request, or no longer: it deletes results after a time. */
export function isNotFound(answer: HttpAnswer): boolean {
  if (answer.status === 410) return true;
  if (answer.status !== 404) return false;
  const body = bodyOf(answer);
  // A bare "Not Found", or one about an application or a path, is a routing error and says nothing about the run.
  return body.status === "NOT_FOUND" || /\brequest\b/i.test(textOf(body));
}

/** Whether the result was requested too early: 400 with this text, seen on the live service but not documented. */
export function isStillRunning(answer: HttpAnswer): boolean {
  return answer.status === 400 && /still in progress/i.test(textOf(bodyOf(answer)));
}

/** Whether a cancellation came too late, or for a run that fal does not know. */
export function isTooLateToCancel(answer: HttpAnswer): boolean {
  return answer.status === 404 || (answer.status === 400 && bodyOf(answer).status === "ALREADY_COMPLETED");
}

function textOf(body: ErrorBody): string {
  if (typeof body.detail === "string") return body.detail;
  return (body.detail ?? []).map((item) => `${item.loc?.join(".") ?? ""} ${item.type ?? ""}: ${item.msg ?? ""}`).join(
    "; ",
  );
}

/** fal's error as one line for the log, without the copy of the user's input that its `detail` may hold. */
export function describe(answer: HttpAnswer): string {
  const body = bodyOf(answer);
  const type = body.error_type ?? answer.headers.get("x-fal-error-type") ?? "";
  const text = textOf(body) || (body.status ?? "") || (typeof answer.body === "string" ? answer.body : "");
  return toLogLine(`HTTP ${answer.status} ${type} ${text}`);
}
