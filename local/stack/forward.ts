import { type Agent, type IncomingMessage, request as sendRequest, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { clientOrigin, mayHaveAddresses, replaceOrigin, replaceRedirectOrigin } from "./client-origin.ts";

/** Where a request goes, and what happens to its answer. */
export interface Upstream {
  port: number;
  path: string;
  agent: Agent;
  /** The origin that answers name, to be replaced by the one that the client called; null for none. */
  ownOrigin: string | null;
  /** The answer is read and lost, for a test. */
  losesReply: boolean;
  onReply(reply: IncomingMessage): void;
  /** Called where the upstream fails before it answers. */
  onFailure(message: string): void;
}

/** Sends a request to a process of this machine and streams its answer back. */
export function forward(request: IncomingMessage, response: ServerResponse, to: Upstream): void {
  // Without `accept-encoding`: compression would change the ETag that a function gave.
  const { connection: _, "accept-encoding": __, ...headers } = request.headers;
  const upstream = sendRequest(
    { host: "127.0.0.1", port: to.port, path: to.path, method: request.method, headers, agent: to.agent },
    (reply) => {
      if (!to.losesReply) return passOn(request, response, reply, to);
      reply.resume();
      reply.on("end", () => request.socket.destroy());
    },
  );
  upstream.on("error", (error: Error) => {
    if (response.headersSent) response.destroy();
    else to.onFailure(`The process behind this path does not answer: ${error.message}`);
  });
  // A client that has closed its connection needs no more of the answer.
  response.on("close", () => response.writableEnded || upstream.destroy());
  // A body that an early answer left unread would block the next request on this connection.
  response.on("finish", () => {
    request.unpipe(upstream);
    request.resume();
  });
  request.on("error", () => upstream.destroy());
  request.pipe(upstream);
}

function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  reply: IncomingMessage,
  { ownOrigin, onReply }: Upstream,
): void {
  onReply(reply);
  // The client may have closed at this moment. Deno's `pipeline` then throws, where Node's calls its callback.
  if (response.destroyed) return void reply.destroy();
  const { connection: _, "keep-alive": __, ...headers } = reply.headers;
  const origins = { from: ownOrigin ?? "", to: clientOrigin(request, ownOrigin ?? "") };
  const isReplaced = ownOrigin !== null && origins.from !== origins.to;
  if (isReplaced && request.method !== "HEAD" && mayHaveAddresses(reply)) {
    return void replaceOrigin(reply, response, headers, origins);
  }
  response.writeHead(reply.statusCode ?? 502, isReplaced ? replaceRedirectOrigin(headers, origins) : headers);
  pipeline(reply, response, () => {});
}
