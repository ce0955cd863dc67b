import { z } from "zod";
import { startChild } from "../../local/machine/child-process.ts";
import { DENO_FLAGS } from "../../local/machine/deno-flags.ts";
import { projectPath } from "../../local/machine/project.ts";

const countsSchema = z.object({
  submissions: z.number(),
  checks: z.number(),
  results: z.number(),
  files: z.number(),
});

/** The provider that answers at once. */
export interface InstantProvider {
  url: string;
  /** Whether runs never end, instead of at once; how large their files are; how long a look at a run takes, instead of 0. */
  set(settings: { endless?: boolean; fileBytes?: number; lookMs?: number }): Promise<void>;
  /** How many requests of each kind it has answered. */
  counts(): Promise<z.infer<typeof countsSchema>>;
  stop(): Promise<void>;
}

export async function startInstantProvider(): Promise<InstantProvider> {
  const child = await startChild({
    name: "instant provider",
    command: Deno.execPath(),
    args: ["run", "-A", ...DENO_FLAGS, projectPath("bench/stack/instant-provider.ts")],
    environment: {},
  });
  const url = `http://127.0.0.1:${child.port}`;
  return {
    url,
    async set(settings) {
      await (await fetch(`${url}/_settings`, { method: "PUT", body: JSON.stringify(settings) })).body?.cancel();
    },
    counts: async () => countsSchema.parse(await (await fetch(`${url}/_counts`)).json()),
    stop: () => child.stop(),
  };
}
