import { json, type SimulatedResponse } from "../shared/http.ts";
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
export function googleError(code: number, message: string, details: readonly JsonObject[] = []): SimulatedResponse {
  return json(code, { error: { code, message, status: STATUSES[code] ?? "UNKNOWN", details } });
}

/** Google reports a wrong key as an invalid argument. */
export function invalidKey(): SimulatedResponse {
  return googleError(400, "API key not valid. Please pass a valid API key.", [
    { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID", domain: "googleapis.com" },
  ]);
}

/** A used-up quota. Only the details show whether it is the minute's or the day's. */
export function quotaExceeded(period: "Minute" | "Day"): SimulatedResponse {
  return googleError(429, "You exceeded your current quota, please check your plan and billing details.", [{
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    violations: [{ quotaId: `PredictLongRunningRequestsPer${period}PerProjectPerModel` }],
  }]);
}
