import type { z } from "zod";
import { parse } from "./body.ts";
import { RequestError } from "../errors/request-errors.ts";

/**
 * Reads a request's query and checks it against a schema. A parameter that comes twice is refused: a proxy on the way may
 * read the other one. Throws `RequestError`.
 */
export function readQuery<T>(request: Request, schema: z.ZodType<T>): T {
  const { searchParams } = new URL(request.url);
  const repeated = [...new Set(searchParams.keys())].filter((name) => searchParams.getAll(name).length > 1);
  if (repeated.length > 0) {
    const issues = repeated.map((name) => ({ path: name.slice(0, 200), message: "must not be repeated" }));
    throw new RequestError("validation_failed", { issues });
  }
  return parse(schema, Object.fromEntries(searchParams));
}
