import { RequestError } from "../errors/request-errors.ts";

/** Throws `method_not_allowed` unless the request has one of these methods; the answer's `Allow` lists them. */
export function requireMethod(request: Request, ...methods: readonly string[]): void {
  if (methods.includes(request.method)) return;
  throw new RequestError("method_not_allowed", {}, { Allow: [...methods, "OPTIONS"].join(", ") });
}
