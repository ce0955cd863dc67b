import type { RequestIdentity } from "../database/new-jobs.ts";
import { RequestError } from "../errors/request-errors.ts";

/** The request's key, without the one pair of quotes that RFC 8941 allows around it. Throws `RequestError`. */
export function idempotencyKey(request: Request): string {
  const header = request.headers.get("idempotency-key");
  if (header === null) throw new RequestError("idempotency_key_required");
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new RequestError("idempotency_key_invalid");
  }
  return key;
}

/** The request's key; null without the header, on routes where it is optional. Throws `RequestError`. */
export function optionalKey(request: Request): string | null {
  return request.headers.has("idempotency-key") ? idempotencyKey(request) : null;
}

/** Long enough for a double tap and for the retry of an unanswered request; a wish for a second video comes later. */
const REPEAT_SECONDS = 10;

/**
 * What makes a repeated request the same one: the client's key, or for ten seconds the request itself. The space in that
 * key keeps it apart from every key that a client can send.
 */
export function identityOf(key: string | null, requestHash: string): RequestIdentity {
  if (key !== null) return { idempotencyKey: key, requestHash };
  return { idempotencyKey: `repeat ${requestHash}`, requestHash, keySeconds: REPEAT_SECONDS };
}
