import type { Json, JsonObject } from "../shared/json.ts";

/** The answer of the result URL of a finished request, and the error fields of its status. */
export interface ModelAnswer {
  status: number;
  headers: Record<string, string>;
  body: Json;
  /** `error` and `error_type` of the COMPLETED status; fal leaves them out for most model errors. */
  error?: string;
  errorType?: string;
}

interface ErrorKind {
  status: number;
  /** The text of `X-Fal-Needs-Retry`. */
  retry?: "0" | "1";
  ctx?: JsonObject;
  loc?: readonly string[];
}

/** Errors of the model itself: body `{ detail: [{ loc, msg, type, url }] }`. */
const MODEL_ERRORS = {
  internal_server_error: { status: 500, retry: "1" },
  internal_server_error_final: { status: 500, retry: "0" },
  generation_timeout: { status: 504, retry: "1" },
  downstream_service_error: { status: 400, retry: "1" },
  downstream_service_unavailable: { status: 500, retry: "1" },
  content_policy_violation: { status: 422, loc: ["body", "prompt"] },
  no_media_generated: { status: 422 },
  image_too_small: { status: 422, ctx: { min_height: 300, min_width: 300 }, loc: ["body", "image_url"] },
  image_too_large: { status: 422, ctx: { max_height: 4096, max_width: 4096 }, loc: ["body", "image_url"] },
  image_load_error: { status: 422, loc: ["body", "image_url"] },
  file_download_error: { status: 422, loc: ["body", "video_url"] },
  face_detection_error: { status: 422, loc: ["body", "image_url"] },
  file_too_large: { status: 422, ctx: { max_size: 10_485_760 }, loc: ["body", "image_url"] },
  greater_than_equal: { status: 422, ctx: { ge: 5 }, loc: ["body", "num_frames"] },
  less_than_equal: { status: 422, ctx: { le: 24 }, loc: ["body", "frames_per_second"] },
  sequence_too_long: { status: 422, ctx: { max_length: 2500 }, loc: ["body", "prompt"] },
  one_of: { status: 422, ctx: { expected: ["16:9", "9:16"] }, loc: ["body", "aspect_ratio"] },
  feature_not_supported: { status: 422 },
  audio_duration_too_long: {
    status: 422,
    ctx: { max_duration: 30, provided_duration: 45 },
    loc: ["body", "audio_url"],
  },
  video_duration_too_long: {
    status: 422,
    ctx: { max_duration: 10, provided_duration: 45 },
    loc: ["body", "video_url"],
  },
  unsupported_image_format: { status: 422, ctx: { supported_formats: ["jpg", "png"] }, loc: ["body", "image_url"] },
} satisfies Record<string, ErrorKind>;

/** Errors of fal's platform: body `{ detail, error_type }` and `X-Fal-Error-Type`. */
const REQUEST_ERRORS = {
  request_timeout: { status: 504 },
  startup_timeout: { status: 504 },
  runner_scheduling_failure: { status: 503 },
  runner_connection_timeout: { status: 503 },
  runner_disconnected: { status: 503 },
  runner_connection_refused: { status: 503 },
  runner_connection_error: { status: 503 },
  runner_incomplete_response: { status: 502 },
  runner_server_error: { status: 500 },
  internal_error: { status: 500 },
  client_disconnected: { status: 499 },
  client_cancelled: { status: 499 },
  bad_request: { status: 400 },
} satisfies Record<string, ErrorKind>;

const SPECIAL = ["ok", "no_video", "hang", "expired", "validation", "user_timeout"] as const;

/** A type of fal's model errors. */
export type ModelErrorType = keyof typeof MODEL_ERRORS;
/** A type of fal's platform errors. */
export type RequestErrorType = keyof typeof REQUEST_ERRORS;
/**
 * How a run ends: with `ok`; with `no_video`, a success without media; with `expired`, a success whose result is a 404;
 * with `validation`, a 422 with two field errors; with `user_timeout`, the caller's start deadline; never with `hang`; or
 * with that error of fal's.
 */
export type OutcomeName = typeof SPECIAL[number] | ModelErrorType | RequestErrorType;

/** Whether a text names an outcome. */
export function isOutcomeName(name: unknown): name is OutcomeName {
  return typeof name === "string" &&
    (SPECIAL.some((special) => special === name) || Object.hasOwn(MODEL_ERRORS, name) || isRequestError(name));
}

/** Every outcome that has a name. */
export const OUTCOME_NAMES: readonly OutcomeName[] = [
  ...SPECIAL,
  ...Object.keys(MODEL_ERRORS),
  ...Object.keys(REQUEST_ERRORS),
].filter(isOutcomeName);

/** One entry of a model error's `detail` list. */
export function errorDetail(type: string, loc: readonly string[], msg: string, ctx?: JsonObject): JsonObject {
  return { loc, msg, type, url: `https://docs.fal.ai/errors#${type}`, ...(ctx === undefined ? {} : { ctx }) };
}

/** The 422 answer with these field errors. */
export function validationAnswer(detail: readonly JsonObject[]): ModelAnswer {
  return { status: 422, headers: { "x-fal-needs-retry": "0" }, body: { detail } };
}

/** The answer of an outcome that is an error. */
export function errorAnswer(name: Exclude<OutcomeName, "ok" | "no_video" | "hang" | "expired">): ModelAnswer {
  if (name === "validation") {
    return validationAnswer([
      errorDetail("missing", ["body", "image_url"], "Field required"),
      errorDetail("enum", ["body", "duration"], "Input should be '5' or '10'", { expected: "'5' or '10'" }),
    ]);
  }
  if (name === "user_timeout") {
    const answer = requestErrorAnswer("request_timeout");
    return { ...answer, headers: { ...answer.headers, "x-fal-request-timeout-type": "user" } };
  }
  return isRequestError(name) ? requestErrorAnswer(name) : modelErrorAnswer(name);
}

function isRequestError(name: string): name is RequestErrorType {
  return Object.hasOwn(REQUEST_ERRORS, name);
}

function requestErrorAnswer(type: RequestErrorType): ModelAnswer {
  const detail = `The request failed: ${type.replaceAll("_", " ")}`;
  return {
    status: REQUEST_ERRORS[type].status,
    headers: { "x-fal-error-type": type },
    body: { detail, error_type: type },
    error: detail,
    errorType: type,
  };
}

function modelErrorAnswer(name: ModelErrorType): ModelAnswer {
  const kind: ErrorKind = MODEL_ERRORS[name];
  const type = name === "internal_server_error_final" ? "internal_server_error" : name;
  const msg = `The model failed: ${type.replaceAll("_", " ")}`;
  return {
    status: kind.status,
    headers: { "x-fal-needs-retry": kind.retry ?? "0" },
    body: { detail: [errorDetail(type, kind.loc ?? ["body"], msg, kind.ctx)] },
  };
}
