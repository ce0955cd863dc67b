/** Servers that answer as a test says, in ways that the simulators do not. */

export interface Server {
  origin: string;
  /** What arrived, as `METHOD /path`. */
  arrived: string[];
  /** The headers of each. */
  headers: Headers[];
}

export async function withServer(
  answer: (request: Request) => Response | Promise<Response>,
  test: (server: Server) => Promise<void>,
): Promise<void> {
  const arrived: string[] = [];
  const headers: Headers[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    arrived.push(`${request.method} ${new URL(request.url).pathname}`);
    headers.push(new Headers(request.headers));
    await request.body?.cancel();
    return await answer(request);
  });
  try {
    await test({ origin: `http://127.0.0.1:${server.addr.port}`, arrived, headers });
  } finally {
    await server.shutdown();
  }
}

/** A server that reads a request and then closes the connection. */
export async function withDroppingServer(
  test: (server: { origin: string; connections(): number }) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  let connections = 0;
  const serving = (async () => {
    for await (const connection of listener) {
      connections++;
      await connection.read(new Uint8Array(65_536));
      connection.close();
    }
  })();
  try {
    await test({ origin: `http://127.0.0.1:${listener.addr.port}`, connections: () => connections });
  } finally {
    listener.close();
    await serving;
  }
}

/** A server that answers the first POST of each connection, keeps it alive, and closes it on the second. */
export async function withKeepAliveServer(
  accepted: unknown,
  test: (server: { origin: string; posts(): number }) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  let posts = 0;
  async function nextPost(connection: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    // A request may come in several pieces.
    for (let length; (length = await connection.read(buffer)) !== null;) {
      if (!new TextDecoder().decode(buffer.subarray(0, length)).startsWith("POST")) continue;
      posts++;
      return;
    }
  }
  async function serve(connection: Deno.Conn): Promise<void> {
    await nextPost(connection);
    const body = JSON.stringify(accepted);
    const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
    await connection.write(new TextEncoder().encode(`${head}\r\n\r\n${body}`));
    await nextPost(connection);
    connection.close();
  }
  const serving = (async () => {
    for await (const connection of listener) serve(connection).catch(() => connection.close());
  })();
  try {
    await test({ origin: `http://127.0.0.1:${listener.addr.port}`, posts: () => posts });
  } finally {
    listener.close();
    await serving;
  }
}

/** An origin without a server. */
export function closedOrigin(): string {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  listener.close();
  return `http://127.0.0.1:${listener.addr.port}`;
}

const json = { "content-type": "application/json" };

/** Answers without a meaning, to any request. */
export const MEANINGLESS_ANSWERS: readonly [what: string, answer: () => Response][] = [
  ["an HTML page", () => new Response("<html>Welcome</html>", { headers: { "content-type": "text/html" } })],
  ["JSON cut short", () => new Response('{"na', { headers: json })],
  ["an empty body", () => new Response("", { headers: json })],
  ["no content", () => new Response(null, { status: 204 })],
  ["null", () => Response.json(null)],
  ["an empty object", () => Response.json({})],
  ["a list", () => Response.json([])],
  ["an empty id", () => Response.json({ request_id: "", id: "", name: "" })],
];

/** The page of a gateway such as nginx, which stands for an answer of the provider. */
export function gatewayPage(status: number): () => Response {
  const headers = { "content-type": "text/html" };
  return () => new Response(`<html><h1>${status}</h1>nginx</html>`, { status, headers });
}
