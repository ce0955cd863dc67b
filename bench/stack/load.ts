import { z } from "zod";
import { DENO_FLAGS } from "../../local/machine/deno-flags.ts";
import { projectPath } from "../../local/machine/project.ts";

/** One request of a load. */
export interface LoadRequest {
  method: "GET" | "POST";
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/** A load: connections that each send one request after the other, each with requests of its own, in turn. */
export interface LoadOrder {
  url: string;
  connections: number;
  requests: LoadRequest[];
  /** Give each request a new Idempotency-Key. */
  newKeys?: boolean;
  /** How many requests are sent in all. */
  amount: number;
  /** The statuses that answers may have. */
  expected: readonly number[];
}

const resultSchema = z.object({
  statuses: z.record(z.string(), z.number()),
  perSecond: z.number(),
  /** Milliseconds. */
  p50: z.number(),
  p99: z.number(),
  errors: z.number(),
});

export type LoadResult = z.infer<typeof resultSchema>;

/** The process that makes the load. */
export interface Load {
  /** Throws where an answer was not as expected: the speed of errors is no figure. */
  run(order: LoadOrder): Promise<LoadResult>;
  stop(): Promise<void>;
}

/** Starts the process. It ends with this one, however this one ends. */
export function startLoad(): Load {
  const folder = projectPath("bench/load");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...DENO_FLAGS, `--config=${folder}/deno.json`, `${folder}/main.ts`],
    stdin: "piped",
    stdout: "piped",
    // Ctrl-C must reach the parent alone.
    detached: true,
  }).spawn();
  const orders = child.stdin.getWriter();
  const results = linesOf(child.stdout);
  return {
    async run(order) {
      await orders.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
      const line = await results.next();
      if (line.done) throw new Error("The process that makes the load has ended.");
      const result = resultSchema.parse(JSON.parse(line.value));
      const unexpected = Object.keys(result.statuses).filter((status) => !order.expected.includes(Number(status)));
      if (unexpected.length > 0 || result.errors > 0) {
        throw new Error(`${order.url} answered ${JSON.stringify(result.statuses)}, with ${result.errors} errors.`);
      }
      return result;
    },
    async stop() {
      await orders.close().catch(() => {});
      await child.status;
    },
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
