import { connect, type Socket } from "node:net";
import { createServer as createProxy } from "node:http";
import { createServer as createSite } from "node:https";
import { generate } from "selfsigned";

const DOMAIN = "example.com";

/** A stand-in for the public internet, so that a request's own `https://example.com/…` can be fetched here. */
export interface PublicInternet {
  /** For the functions' process: to whom its https requests go, and whose certificate it trusts. */
  environment: Record<string, string>;
  /** The addresses that were fetched. */
  fetched: string[];
  stop(): Promise<void>;
}

/** Starts it: every path of example.com and the hosts below it answers with this file. */
export async function startPublicInternet(file: Uint8Array, contentType: string): Promise<PublicInternet> {
  const { key, certificate } = await makeCertificate();
  const trusted = await Deno.makeTempFile({ suffix: ".pem" });
  await Deno.writeTextFile(trusted, certificate);

  const fetched: string[] = [];
  const site = createSite({ key, cert: certificate });
  site.on("request", (request, response) => {
    fetched.push(`https://${request.headers.host}${request.url}`);
    response.writeHead(200, { "Content-Type": contentType, "Content-Length": String(file.length) }).end(file);
  });
  const proxy = createProxy();
  const sockets = new Set<Socket>();
  proxy.on("connect", (_request, socket: Socket) => {
    const onward = connect(portOf(site), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.on("error", () => end.destroy());
    }
  });
  // Also one that has not asked for anything yet: to close a server waits for it.
  for (const server of [site, proxy]) server.on("connection", (socket: Socket) => sockets.add(socket));
  await Promise.all([site, proxy].map((server) =>
    new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve());
    })
  ));
  return {
    environment: {
      HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}`,
      NO_PROXY: "127.0.0.1,localhost",
      DENO_CERT: trusted,
    },
    fetched,
    async stop() {
      const closed = [site, proxy].map((server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
        })
      );
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
      await Deno.remove(trusted);
    },
  };
}

function portOf(server: { address(): unknown }): number {
  const address = server.address();
  if (typeof address !== "object" || address === null || !("port" in address)) throw new Error("It does not listen");
  return Number(address.port);
}

/** A certificate of example.com and all below it that trusts itself, and its key. */
async function makeCertificate(): Promise<{ key: string; certificate: string }> {
  const { private: key, cert: certificate } = await generate([{ name: "commonName", value: DOMAIN }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "subjectAltName", altNames: [DOMAIN, `*.${DOMAIN}`].map((value) => ({ type: 2, value })) },
    ],
  });
  return { key, certificate };
}
