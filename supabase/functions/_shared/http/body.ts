import type { z } from "zod";
import { RequestError } from "../errors/request-errors.ts";
import type { Issue } from "../errors/issues.ts";

/** 64 KiB: a prompt of 5,000 characters in any language fits three times. */
const JSON_LIMIT_BYTES = 65_536;

/** Reads a JSON body of at most 64 KiB and checks it against a schema. Throws `RequestError` with what is wrong. */
export async function readBody<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  return parseBody(await readBytes(request, JSON_LIMIT_BYTES), schema);
}

/** As `readBody`, for requests that need no body: none is the same as an empty object. */
export async function readOptionalBody<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const bytes = await readBytes(request, JSON_LIMIT_BYTES);
  return bytes.byteLength === 0 ? parse(schema, {}) : parseBody(bytes, schema);
}

function parseBody<T>(bytes: BufferSource, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new RequestError("invalid_json");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RequestError("invalid_json");
  }
  return parse(schema, value);
}

/** Bounds the answer: without it a small body full of mistakes would get a very large one. */
const MOST_ISSUES = 100;

/** Checks a value against a schema. Throws `validation_failed` with one issue for each mistake. */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  // For a check without a message of its own: zod's message would be English, and for programmers.
  const parsed = schema.safeParse(value, { error: () => "not valid" });
  if (parsed.success) return parsed.data;
  throw new RequestError("validation_failed", { issues: parsed.error.issues.flatMap(toIssues).slice(0, MOST_ISSUES) });
}

function toIssues(issue: z.core.$ZodIssue): Issue[] {
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...issue.path, key].join(".").slice(0, 200),
      message: "not a field of this request",
    }));
  }
  return [{ path: path.slice(0, 200), message: issue.message }];
}

/** Reads a body of at most `limit` bytes. Throws `RequestError`, also for a chunked body without a length. */
export async function readBytes(request: Request, limit: number): Promise<BufferSource> {
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge(limit);
  return await readStream(request.body, limit);
}

/** Reads a stream of at most `limit` bytes, and cancels it when there are more. Throws `RequestError`. */
export async function readStream(stream: ReadableStream<Uint8Array> | null, limit: number): Promise<BufferSource> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream ?? []) {
    length += chunk.byteLength;
    if (length > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

function tooLarge(limit: number): RequestError {
  return new RequestError("payload_too_large", { limit_bytes: limit });
}
