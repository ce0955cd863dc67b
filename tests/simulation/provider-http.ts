import type { Call, Reply } from "../../local/fal-simulator/http.ts";

/** The words of Deno for a body that ends before its time; `storage-utils.ts` knows them. */
export const BROKEN_BODY = "error reading a body from connection: end of file before message length reached";

/** A request to the simulator as its own server would read it. */
export async function toCall(method: string, url: URL, init: RequestInit): Promise<Call> {
  return {
    method,
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    headers: new Headers(init.headers),
    body: init.body === null || init.body === undefined ? "" : await new Response(init.body).text(),
    closed: new AbortController().signal,
  };
}

/** The simulator's reply as `fetch` would give it. */
export function toResponse({ status, headers, body }: Reply): Response {
  return new Response(typeof body === "string" ? body : ReadableStream.from(cutOff(body)), { status, headers });
}

async function* cutOff(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of pieces) yield piece;
  } catch {
    throw new TypeError(BROKEN_BODY);
  }
}
