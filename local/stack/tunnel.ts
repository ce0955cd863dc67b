import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";

/**
 * Connects a client with a process of this machine: sends on the request, without the headers named in `without`, and
 * everything that follows, in both directions.
 */
export function tunnel(
  request: IncomingMessage,
  client: Duplex,
  head: Uint8Array,
  address: { host: string; port: number },
  without: readonly string[] = [],
): void {
  const upstream = connect(address, () => {
    upstream.write(headOf(request, without));
    upstream.write(head);
    client.pipe(upstream);
    upstream.pipe(client);
  });
  // Neither side outlives the other.
  for (const [one, other] of [[client, upstream], [upstream, client]] as const) {
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroy());
  }
}

function headOf({ method, url, rawHeaders }: IncomingMessage, without: readonly string[]): string {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = "", value = ""] = rawHeaders.slice(index, index + 2);
    if (!without.includes(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}
