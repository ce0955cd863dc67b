import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";

const HOST = /^([\w.-]+|\[[0-9a-f:]+\])(:\d+)?$/i;

/** The origin that a client called. A client that reaches us by another name must get addresses with that name. */
export function clientOrigin(request: Pick<IncomingMessage, "headers">, usual: string): string {
  const { host, "x-forwarded-host": forwarded, "x-forwarded-proto": protocol } = request.headers;
  const called = typeof forwarded === "string" ? forwarded : host;
  if (called === undefined || !HOST.test(called)) return usual;
  return `${protocol === "https" ? "https" : "http"}://${called}`;
}

export function isJson(reply: IncomingMessage): boolean {
  return reply.headers["content-type"]?.includes("application/json") ?? false;
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
