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
