/** Sends one HTTP request to a provider per call, whatever comes back. */

import type { ErrorFacts } from "./provider.ts";

/** A whole answer of a provider; `body` is the parsed JSON, or the text where it is not JSON. */
export interface HttpAnswer {
  status: number;
  headers: Headers;
  body: unknown;
}

/**
 * No whole answer came. It never carries a `cause` or a `code`: `@fal-ai/client` would send the request again (see
 * `FalErrorAnswer`).
 */
export class NoResponse extends Error {
  override readonly name = "NoResponse";
  constructor(
    readonly detail: string,
    /** Whether the caller's signal ended the wait. */
    readonly aborted: boolean,
    /** Whether the provider may have received the request. */
    readonly mayHaveArrived: boolean,
  ) {
    super(`the provider did not answer: ${detail}`);
  }
}

/** Sends one request and reads the whole answer, of any status. Throws `NoResponse`. */
export async function sendOnce(
  send: typeof fetch,
  input: URL | RequestInfo,
  init: RequestInit = {},
): Promise<HttpAnswer> {
  const signal = init.signal ?? undefined;
  if (signal?.aborted) throw new NoResponse(describe(signal.reason), true, false);
  try {
    // A followed redirect would be a second request, with the input in it, and with the key on another host.
    const response = await send(input, { ...init, ...streamOnce(init.body), redirect: "manual" });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text) };
  } catch (error) {
    const detail = describe(error);
    // The text of hyper, Deno's HTTP library (2.1 and 2.9), for a failure before the first byte was sent: DNS, TCP or
    // TLS.
    throw new NoResponse(detail, signal?.aborted ?? false, !detail.includes("client error (Connect)"));
  }
}

/** What an answer outside 2xx says besides its error class: its status, and how many seconds to wait. */
export function factsOf({ status, headers }: HttpAnswer): ErrorFacts {
  return { status, retryAfterSeconds: retryAfterSeconds(headers.get("retry-after")) };
}

/** `Retry-After` is a number of seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function retryAfterSeconds(text: string | null): number | undefined {
  if (text === null) return undefined;
  const seconds = /^\d{1,9}$/.test(text.trim()) ? Number(text) : Math.ceil((Date.parse(text) - Date.now()) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

export function isSuccess(answer: HttpAnswer): boolean {
  return answer.status >= 200 && answer.status <= 299;
}

/**
 * The body as a stream, which can be read only once. Deno 2.9 sends any other body again by itself, in a POST too, when
 * a kept-alive connection breaks before the answer: https://github.com/denoland/deno/pull/32566.
 */
function streamOnce(body: BodyInit | null | undefined): RequestInit & { duplex?: "half" } {
  if (typeof body !== "string") return {};
  return { body: ReadableStream.from([new TextEncoder().encode(body)]), duplex: "half" };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The texts of the error and its cause, without URLs: a submission's URL may hold the token of our webhook. */
function describe(error: unknown): string {
  const text = error instanceof Error && error.cause instanceof Error
    ? `${error.message}: ${error.cause.message}`
    : String(error);
  return text.replaceAll(/https?:\/\/[^\s)]+/g, "(url)");
}
