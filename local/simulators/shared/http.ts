import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Json, pythonJson } from "./json.ts";

/** One HTTP request to the simulator, its body already read. */
export interface SimulatedRequest {
  method: string;
  /** Decoded, without a trailing slash. */
  path: string;
  query: URLSearchParams;
  headers: Headers;
  body: string;
  /** Aborts when the caller has closed the connection. */
  closed: AbortSignal;
}

/** The answer to a request. A body that throws cuts the connection. */
export interface SimulatedResponse {
  status: number;
  headers: Record<string, string>;
  body: string | AsyncIterable<Uint8Array>;
}

/** Answers a request; `"drop"` closes the connection without an answer. */
export type Handler = (request: SimulatedRequest) => Promise<SimulatedResponse | "drop">;

/** Longer than clients keep a connection: one that is closed while it is used again would seem to be a fault. */
const KEEP_ALIVE_MS = 5 * 60_000;

/** A reply with a JSON body. */
export function json(status: number, body: Json, headers: Record<string, string> = {}): SimulatedResponse {
  return { status, headers: { "content-type": "application/json", ...headers }, body: pythonJson(body) };
}

/**
 * Serves `handler` on the loopback address. It is `node:http` because `Deno.serve` cannot close a connection unanswered
 * nor send fewer bytes than it declared.
 */
export async function listen(port: number, handler: Handler): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(request, response, handler).catch((error) => {
      if (!response.headersSent) response.writeHead(500).end(String(error));
      else request.socket.destroy();
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, handler: Handler): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const reply = await handler(await readRequest(request, gone.signal));
  if (reply === "drop") {
    request.socket.destroy();
    return;
  }
  if (typeof reply.body === "string") {
    const text = new TextEncoder().encode(reply.body);
    response.writeHead(reply.status, { "content-length": String(text.length), ...reply.headers });
    response.end(request.method === "HEAD" ? undefined : text);
    return;
  }
  response.writeHead(reply.status, reply.headers);
  if (request.method === "HEAD") response.end();
  else await pipeline(Readable.from(reply.body), response);
}

async function readRequest(request: IncomingMessage, closed: AbortSignal): Promise<SimulatedRequest> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const url = new URL(request.url ?? "/", "http://simulator");
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  return {
    method: request.method ?? "GET",
    path: decodePath(url.pathname).replace(/(.)\/+$/, "$1"),
    query: url.searchParams,
    headers,
    body: new TextDecoder().decode(await new Blob(chunks.map((chunk) => new Uint8Array(chunk))).arrayBuffer()),
    closed,
  };
}

/** The error page of a provider's gateway: no JSON, no request id. */
export function gatewayFailure(code: number): SimulatedResponse {
  return { status: code, headers: { "content-type": "text/html" }, body: `<html><h1>${code}</h1><hr>nginx</html>` };
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
