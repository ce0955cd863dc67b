import { Agent, createServer, request as sendRequest } from "node:http";
import { pipeline } from "node:stream";
import { text } from "node:stream/consumers";

/** A proxy before a simulator, which can be closed. */
export interface ProviderProxy {
  url: string;
  /** Refuses new connections, and cuts the open ones. */
  close(): Promise<void>;
  open(): Promise<void>;
}

/** A proxy on this port, closed at first. `destination` is called for each request. */
export function createProviderProxy(port: number, destination: () => string): ProviderProxy {
  const url = `http://127.0.0.1:${port}`;
  // Each request has its own connection: if a kept connection breaks, Deno sends the request again without its body.
  const agent = new Agent({ keepAlive: false });
  const server = createServer((request, response) => {
    const { host: _, connection: __, ...headers } = request.headers;
    const onward = sendRequest(
      `${destination()}${request.url}`,
      { method: request.method, headers, agent },
      (reply) => {
        // Deno's `pipeline` throws where Node's would call its callback with the error.
        if (response.destroyed) return void reply.destroy();
        const { "content-length": length, connection: _, "keep-alive": __, ...kept } = reply.headers;
        const isJson = kept["content-type"]?.startsWith("application/json") ?? false;
        response.writeHead(reply.statusCode ?? 502, isJson || length === undefined ? kept : { ...reply.headers });
        if (!isJson) return pipeline(reply, response, () => {});
        // The addresses in an answer must lead through this proxy too.
        text(reply).then(
          (body) => response.end(body.replaceAll(destination(), url)),
          () => response.destroy(),
        );
      },
    );
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  return {
    url,
    open: () => new Promise((resolve) => void server.listen(port, "127.0.0.1", resolve)),
    async close() {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
