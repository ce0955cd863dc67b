import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";

const HOST = /^([\w.-]+|\[[0-9a-f:]+\])(:\d+)?$/i;

/** The origin that a client called. A client that reaches us by another name must get addresses with that name. */
export function clientOrigin(request: Pick<IncomingMessage, "headers">, usual: string): string {
  const { host, "x-forwarded-host": forwarded, "x-forwarded-proto": protocol } = request.headers;
  const called = typeof forwarded === "string" ? forwarded : host;
  if (called === undefined || !HOST.test(called)) return usual;
  return `${protocol === "https" ? "https" : "http"}://${called}`;
}

/** Whether an answer is text that may have addresses: JSON, or the page of a link. */
export function mayHaveAddresses(reply: IncomingMessage): boolean {
  return /application\/json|text\/html/.test(reply.headers["content-type"] ?? "");
}

/** The headers of an answer, with one origin replaced by another where they redirect to it. */
export function replaceRedirectOrigin(
  headers: OutgoingHttpHeaders,
  { from, to }: { from: string; to: string },
): OutgoingHttpHeaders {
  const { location } = headers;
  if (typeof location !== "string" || !location.startsWith(`${from}/`)) return headers;
  return { ...headers, location: `${to}${location.slice(from.length)}` };
}

/** Passes an answer on, with one origin replaced by another. */
export async function replaceOrigin(
  reply: IncomingMessage,
  response: ServerResponse,
  headers: OutgoingHttpHeaders,
  { from, to }: { from: string; to: string },
): Promise<void> {
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of reply) chunks.push(chunk);
    const text = (await new Blob(chunks.map((chunk) => new Uint8Array(chunk))).text()).replaceAll(`${from}/`, `${to}/`);
    const { "content-length": _, "transfer-encoding": __, ...rest } = headers;
    response.writeHead(reply.statusCode ?? 502, { ...rest, "content-length": new TextEncoder().encode(text).length });
    response.end(text);
  } catch {
    response.destroy();
  }
}
