// The process that makes the load. Each line of its standard input is an order, each line of its output the result. It ends
// when its input ends. autocannon is a package of this folder alone, so that nobody fetches it who measures nothing.
// @ts-types="npm:@types/autocannon@7.12.7"
import autocannon from "autocannon";

/** As bench/stack/load.ts sends it. */
interface Order {
  url: string;
  connections: number;
  requests: { method: "GET" | "POST"; path: string; headers: Record<string, string>; body?: string }[];
  /** Give each request a new Idempotency-Key. */
  newKeys?: boolean;
  amount: number;
}

/** Long: a storm of requests waits its turn, and what it waits is a figure. */
const TIMEOUT_SECONDS = 300;

async function carryOut({ url, connections, requests, newKeys, amount }: Order): Promise<object> {
  const statuses: Record<string, number> = {};
  let clients = 0;
  const begun = performance.now();
  // autocannon's own duration is in whole seconds where the amount is given.
  let last = begun;
  const withNewKey = (request: autocannon.Request) => ({
    ...request,
    headers: { ...request.headers, "idempotency-key": crypto.randomUUID() },
  });
  const running = autocannon({
    url,
    connections,
    amount,
    timeout: TIMEOUT_SECONDS,
    setupClient(client) {
      const first = clients++;
      // Each connection has users of its own, as clients do.
      const own = requests.filter((_, index) => index % connections === first % connections);
      client.setRequests(own.map((request) => newKeys ? { ...request, setupRequest: withNewKey } : request));
      client.on("response", (status) => {
        statuses[status] = (statuses[status] ?? 0) + 1;
        last = performance.now();
      });
    },
  });
  const { latency, errors, timeouts } = await running;
  const answers = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  return {
    statuses,
    perSecond: 1000 * answers / (last - begun),
    p50: latency.p50,
    p99: latency.p99,
    errors: errors + timeouts,
  };
}

const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
let rest = "";
for await (const text of lines) {
  const parts = (rest + text).split("\n");
  rest = parts.pop() ?? "";
  for (const part of parts) {
    const result = JSON.stringify(await carryOut(JSON.parse(part)));
    await Deno.stdout.write(new TextEncoder().encode(`${result}\n`));
  }
}
Deno.exit(0);
