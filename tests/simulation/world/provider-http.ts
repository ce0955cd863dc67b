import type { SimulatedRequest, SimulatedResponse } from "../../../local/simulators/shared/http.ts";

/** Deno's message for a body that ends too early; `media-error.ts` recognizes it. */
export const BROKEN_BODY = "error reading a body from connection: end of file before message length reached";

/** A request as the simulator's server would read it. */
export async function toSimulatedRequest(method: string, url: URL, init: RequestInit): Promise<SimulatedRequest> {
  return {
    method,
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    headers: new Headers(init.headers),
    body: init.body === null || init.body === undefined ? "" : await new Response(init.body).text(),
    closed: new AbortController().signal,
  };
}

/** The simulator's reply as `fetch` would return it. `silence` is awaited before a body breaks. */
export function toResponse({ status, headers, body }: SimulatedResponse, silence?: () => Promise<void>): Response {
  const length = headers["content-length"];
  const content = typeof body === "string"
    ? body
    : ReadableStream.from(whole(body, length === undefined ? null : Number(length), silence));
  return new Response(content, { status, headers });
}

/** A body that is shorter than its length ends with an error, as it does over HTTP. */
async function* whole(
  pieces: AsyncIterable<Uint8Array>,
  length: number | null,
  silence: () => Promise<void> = () => Promise.resolve(),
): AsyncGenerator<Uint8Array> {
  let sent = 0;
  try {
    for await (const piece of pieces) {
      sent += piece.byteLength;
      yield piece;
    }
  } catch {
    await silence();
    throw new TypeError(BROKEN_BODY);
  }
  if (length !== null && sent < length) throw new TypeError(BROKEN_BODY);
}
