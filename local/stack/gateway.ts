import { Agent, createServer, type IncomingMessage, request as sendRequest, type ServerResponse } from "node:http";
import { type Duplex, pipeline } from "node:stream";
import { clientOrigin, isJson, replaceOrigin } from "./client-origin.ts";
import { tunnel } from "./tunnel.ts";

/** One request that went through. Its status is 0 where the connection was dropped. */
export interface GatewayCall {
  method: string;
  path: string;
  status: number;
  requestId: string | null;
}

/** What happens to a request instead: this status, a dropped connection, or an answer lost after the work was done. */
export type Fault = number | "drop" | "drop-reply";

/** The one door to REST, Auth, Storage, Realtime and the functions, as a Supabase project has it. */
export interface Gateway {
  url: string;
  /** The last requests, oldest first. */
  calls: readonly GatewayCall[];
  clearCalls(): void;
  /**
   * Makes requests whose path begins with `prefix` fail: all of them, or the next `times`, until cleared. Beware: on a
   * connection that it used before, Deno 2.9's fetch sends a dropped request once more, even a POST; Deno 2.1's does not.
   */
  fail(prefix: string, fault: Fault, times?: number): void;
  clearFaults(): void;
  stop(): Promise<void>;
}

/** The port behind a path prefix, asked for at each request, since a restarted process has another. */
export type Upstreams = Record<string, () => number | undefined>;

const CALLS_KEPT = 10_000;

/** The headers by which a connection wishes to become something else. */
const UPGRADE_HEADERS = ["connection", "upgrade", "http2-settings"];

/** Starts the gateway. Bodies stream through in both directions. */
export async function startGateway(port: number, upstreams: Upstreams, host = "127.0.0.1"): Promise<Gateway> {
  const ownHost = host === "0.0.0.0" ? "127.0.0.1" : host;
  const url = `http://${ownHost}:${port}`;
  const calls: GatewayCall[] = [];
  const faults: { prefix: string; fault: Fault; left: number }[] = [];
  const agent = new Agent({ keepAlive: true });
  const tunnels = new Set<Duplex>();

  function takeFault(path: string): Fault | undefined {
    const found = faults.find(({ prefix, left }) => left > 0 && path.startsWith(prefix));
    if (found) found.left--;
    return found?.fault;
  }

  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const fault = takeFault(path);
    const call = {
      method: request.method ?? "",
      path,
      status: 0,
      requestId: readText(request.headers["x-request-id"]),
    };
    response.on("close", () => {
      if (response.headersSent) call.status = response.statusCode;
      calls.push(call);
      if (calls.length > CALLS_KEPT) calls.shift();
    });
    if (fault === "drop") return void request.socket.destroy();
    if (typeof fault === "number") return answer(request, response, fault, { message: "A fault made by a test" });
    if (path === "/") return answer(request, response, 200, { name: "reelmint", paths: Object.keys(upstreams) });
    const prefix = Object.keys(upstreams).find((candidate) => path.startsWith(`${candidate}/`));
    if (prefix === undefined) return answer(request, response, 404, { message: `Nothing is served at ${path}` });
    const upstreamPort = upstreams[prefix]?.();
    if (upstreamPort === undefined) return answer(request, response, 503, { message: `${prefix} is not running` });
    // The hosted runtime shows a function its own name first.
    const upstreamPath = prefix === "/functions/v1" ? (request.url ?? "").slice(prefix.length) : request.url;
    forward(call, request, response, {
      port: upstreamPort,
      path: upstreamPath ?? "/",
      loseReply: fault === "drop-reply",
    });
  });

  function forward(
    call: GatewayCall,
    request: IncomingMessage,
    response: ServerResponse,
    { port, path, loseReply }: { port: number; path: string; loseReply: boolean },
  ): void {
    // Without `accept-encoding`, for compression would change the ETag that a function gave.
    const { connection: _, "accept-encoding": __, ...headers } = request.headers;
    const upstream = sendRequest(
      { host: "127.0.0.1", port, path, method: request.method, headers, agent },
      (reply) => {
        if (loseReply) {
          reply.resume();
          return void reply.on("end", () => request.socket.destroy());
        }
        call.requestId = readText(reply.headers["x-request-id"]) ?? call.requestId;
        // The client may have gone in this very moment, and Deno's `pipeline` throws where Node's would tell its callback.
        if (response.destroyed) return void reply.destroy();
        const { connection: _, "keep-alive": __, ...replyHeaders } = reply.headers;
        // The functions know this project by one address, and a phone by another.
        const origin = clientOrigin(request, url);
        if (origin !== url && call.path.startsWith("/functions/v1/") && call.method !== "HEAD" && isJson(reply)) {
          return void replaceOrigin(reply, response, replyHeaders, { from: url, to: origin });
        }
        response.writeHead(reply.statusCode ?? 502, replyHeaders);
        pipeline(reply, response, () => {});
      },
    );
    upstream.on("error", (error: Error) => {
      const message = `The process behind this path does not answer: ${error.message}`;
      if (response.headersSent) response.destroy();
      else answer(request, response, 502, { message });
    });
    // A client that has gone needs no more of the answer.
    response.on("close", () => response.writableEnded || upstream.destroy());
    // What an early answer left unread would hold up the next request on this connection.
    response.on("finish", () => {
      request.unpipe(upstream);
      request.resume();
    });
    request.on("error", () => upstream.destroy());
    request.pipe(upstream);
  }

  server.on("upgrade", (request: IncomingMessage, client: Duplex, head: Uint8Array) => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    tunnels.add(client);
    client.on("close", () => tunnels.delete(client));
    const realtimePort = upstreams["/realtime/v1"]?.();
    if (request.headers.upgrade?.toLowerCase() === "websocket" && path.startsWith("/realtime/v1/") && realtimePort) {
      if (takeFault(path) !== undefined) return void client.destroy();
      return tunnel(request, client, head, { host: "127.0.0.1", port: realtimePort });
    }
    // Some clients offer to go on in HTTP/2 (`Upgrade: h2c`). They are answered as if they had not.
    tunnel(request, client, head, { host: ownHost, port }, UPGRADE_HEADERS);
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    url,
    calls,
    clearCalls: () => void calls.splice(0),
    fail: (prefix, fault, times = Infinity) => void faults.unshift({ prefix, fault, left: times }),
    clearFaults: () => void faults.splice(0),
    stop: () =>
      new Promise((resolve) => {
        agent.destroy();
        for (const client of tunnels) client.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  request.resume();
  response.writeHead(status, { "content-type": "application/json", "access-control-allow-origin": "*" });
  response.end(`${JSON.stringify(body)}\n`);
}

function readText(header: string | string[] | undefined): string | null {
  return typeof header === "string" ? header : null;
}
