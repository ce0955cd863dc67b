import { json, type Reply } from "../shared/http.ts";
import type { JsonObject } from "../shared/json.ts";

const STATUSES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  402: "FAILED_PRECONDITION",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
};

/** An HTTP error as Google writes it. */
export function googleError(code: number, message: string, details: readonly JsonObject[] = []): Reply {
  return json(code, { error: { code, message, status: STATUSES[code] ?? "UNKNOWN", details } });
}

/** A key that is none is told as an invalid argument. */
export function invalidKey(): Reply {
  return googleError(400, "API key not valid. Please pass a valid API key.", [
    { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID", domain: "googleapis.com" },
  ]);
}

/** A minute's quota, or a day's: only the details tell them apart. */
export function quotaExceeded(period: "Minute" | "Day"): Reply {
  return googleError(429, "You exceeded your current quota, please check your plan and billing details.", [{
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    violations: [{ quotaId: `PredictLongRunningRequestsPer${period}PerProjectPerModel` }],
  }]);
}
