import { RequestError, type RequestErrorCode } from "./request-errors.ts";

/** The error of a limit, with the headers that all limits have. `retry_after` is in seconds. */
export function limitReached(
  refused: { outcome: RequestErrorCode; limit: number; retry_after: number },
  fields: Record<string, number>,
  remaining: number,
): RequestError {
  return new RequestError(refused.outcome, { limit: refused.limit, ...fields }, {
    "Retry-After": String(refused.retry_after),
    "X-RateLimit-Limit": String(refused.limit),
    "X-RateLimit-Remaining": String(remaining),
    "X-RateLimit-Reset": String(refused.retry_after),
  });
}
