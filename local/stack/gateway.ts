import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { forward } from "./forward.ts";
import { tunnel } from "./tunnel.ts";

/** One request that the gateway got. Its status is 0 where the connection was dropped. */
export interface GatewayCall {
  method: string;
  path: string;
  status: number;
  requestId: string | null;
}

/** A fault of a request: this status, a dropped connection, or an answer that is lost after the work was done. */
export type Fault = number | "drop" | "drop-reply";

/** The one address of REST, Auth, Storage, Realtime and the functions, as in a Supabase project. */
export interface Gateway {
  url: string;
  /** The last requests, oldest first. */
  calls: readonly GatewayCall[];
  clearCalls(): void;
  /**
   * Makes requests fail whose path begins with `prefix`: all of them, or the next `times`, until cleared. Careful: on a
   * connection that it used before, Deno 2.9's fetch repeats a dropped request, even a POST; Deno 2.1's does not.
   */
  fail(prefix: string, fault: Fault, times?: number): void;
  clearFaults(): void;
  /** Lets requests whose path begins with `prefix` wait until the returned function is called. */
  hold(prefix: string): () => void;
  stop(): Promise<void>;
}

/** The port behind each path prefix. It is read at each request, because a restarted process has another port. */
export type Upstreams = Record<string, () => number | undefined>;

const CALLS_KEPT = 10_000;

/** The headers by which a client offers to change the protocol of its connection. */
const UPGRADE_HEADERS = ["connection", "upgrade", "http2-settings"];

/** Starts the gateway. Bodies stream through in both directions. */
export async function startGateway(port: number, upstreams: Upstreams, host = "127.0.0.1"): Promise<Gateway> {
  const gateway = new LocalGateway(port, upstreams, host);
  await gateway.listen();
  return gateway;
}

class LocalGateway implements Gateway {
  readonly url: string;
  readonly calls: GatewayCall[] = [];
  readonly #faults: { prefix: string; fault: Fault; left: number }[] = [];
  readonly #holds: { prefix: string; until: Promise<void> }[] = [];
  readonly #agent = new Agent({ keepAlive: true });
  readonly #tunnels = new Set<Duplex>();
  readonly #ownHost: string;
  readonly #server: Server;

  constructor(private readonly port: number, private readonly upstreams: Upstreams, private readonly host: string) {
    this.#ownHost = host === "0.0.0.0" ? "127.0.0.1" : host;
    this.url = `http://${this.#ownHost}:${port}`;
    this.#server = createServer((request, response) => this.#serve(request, response));
    this.#server.on("upgrade", (request: IncomingMessage, client: Duplex, head: Uint8Array) => {
      this.#upgrade(request, client, head);
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.port, this.host, resolve);
    });
  }

  clearCalls(): void {
    this.calls.splice(0);
  }

  fail(prefix: string, fault: Fault, times = Infinity): void {
    this.#faults.unshift({ prefix, fault, left: times });
  }

  clearFaults(): void {
    this.#faults.splice(0);
  }

  hold(prefix: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const held = { prefix, until: promise };
    this.#holds.push(held);
    return () => {
      this.#holds.splice(this.#holds.indexOf(held), 1);
      resolve();
    };
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#agent.destroy();
      for (const client of this.#tunnels) client.destroy();
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const path = pathOf(request);
    const held = this.#holds.find(({ prefix }) => path.startsWith(prefix));
    if (held !== undefined) return void held.until.then(() => this.#serve(request, response));
    const fault = this.#takeFault(path);
    const call = this.#record(request, response, path);
    if (fault === "drop") return void request.socket.destroy();
    if (typeof fault === "number") return answer(request, response, fault, { message: "A fault made by a test" });
    if (path === "/") return answer(request, response, 200, { name: "reelmint", paths: Object.keys(this.upstreams) });
    const prefix = Object.keys(this.upstreams).find((candidate) => path.startsWith(`${candidate}/`));
    if (prefix === undefined) return answer(request, response, 404, { message: `Nothing is served at ${path}` });
    const port = this.upstreams[prefix]?.();
    if (port === undefined) return answer(request, response, 503, { message: `${prefix} is not running` });
    // The hosted runtime gives a function the path from its own name on.
    const upstreamPath = prefix === "/functions/v1" ? (request.url ?? "").slice(prefix.length) : request.url;
    forward(request, response, {
      port,
      path: upstreamPath ?? "/",
      agent: this.#agent,
      // The functions know this project by one address, and a phone knows it by another.
      ownOrigin: prefix === "/functions/v1" ? this.url : null,
      losesReply: fault === "drop-reply",
      onReply: (reply) => call.requestId = readText(reply.headers["x-request-id"]) ?? call.requestId,
      onFailure: (message) => answer(request, response, 502, { message }),
    });
  }

  #upgrade(request: IncomingMessage, client: Duplex, head: Uint8Array): void {
    const path = pathOf(request);
    this.#tunnels.add(client);
    client.on("close", () => this.#tunnels.delete(client));
    const realtimePort = this.upstreams["/realtime/v1"]?.();
    if (request.headers.upgrade?.toLowerCase() === "websocket" && path.startsWith("/realtime/v1/") && realtimePort) {
      if (this.#takeFault(path) !== undefined) return void client.destroy();
      return tunnel(request, client, head, { host: "127.0.0.1", port: realtimePort });
    }
    // Some clients offer to continue in HTTP/2 (`Upgrade: h2c`). They are answered as if they had not.
    tunnel(request, client, head, { host: this.#ownHost, port: this.port }, UPGRADE_HEADERS);
  }

  #takeFault(path: string): Fault | undefined {
    const found = this.#faults.find(({ prefix, left }) => left > 0 && path.startsWith(prefix));
    if (found) found.left--;
    return found?.fault;
  }

  #record(request: IncomingMessage, response: ServerResponse, path: string): GatewayCall {
    const requestId = readText(request.headers["x-request-id"]);
    const call: GatewayCall = { method: request.method ?? "", path, status: 0, requestId };
    response.on("close", () => {
      if (response.headersSent) call.status = response.statusCode;
      this.calls.push(call);
      if (this.calls.length > CALLS_KEPT) this.calls.shift();
    });
    return call;
  }
}

function pathOf({ url = "/" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "/";
}

function answer(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  request.resume();
  response.writeHead(status, { "content-type": "application/json", "access-control-allow-origin": "*" });
  response.end(`${JSON.stringify(body)}\n`);
}

function readText(header: string | string[] | undefined): string | null {
  return typeof header === "string" ? header : null;
}
