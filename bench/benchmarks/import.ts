// Claim: a function starts nearly as fast as Supabase's own package for functions, which each needs.
import { DENO_FLAGS } from "../../local/machine/deno-flags.ts";
import { projectPath } from "../../local/machine/project.ts";
import type { Benchmark } from "../measure/benchmark.ts";
import { compare, inTurn } from "../measure/comparison.ts";
import { median } from "../measure/statistics.ts";

/** Each import is in a process of its own, with a warm cache of compiled code, as an isolate that starts again. */
const STARTS_A_ROUND = 5;
const GOAL = { atMost: 1.75 };
const RUNTIMES = ["2.9.6", "2.1.14"] as const;
const FUNCTIONS = ["generate-video", "get-video-status"] as const;
const OPPONENT = "@supabase/server/core";

type Runtime = typeof RUNTIMES[number];

export const imports: Benchmark = {
  name: "import",
  claim: "A function is imported nearly as fast as @supabase/server/core alone, on both versions of Deno.",
  async run({ rounds, onProgress }) {
    const comparisons = [];
    for (const runtime of RUNTIMES) {
      for (const name of FUNCTIONS) {
        const own = new URL(`file://${projectPath(`supabase/functions/${name}/index.ts`)}`).href;
        onProgress(`Deno ${runtime}, ${name}: warming up`);
        await importTime(runtime, own);
        await importTime(runtime, OPPONENT);
        const measure = (what: string, module: string) => (round: number) => {
          onProgress(`Deno ${runtime}, ${name}, round ${round + 1} of ${rounds}: ${what}`);
          return medianTime(runtime, module);
        };
        const results = await inTurn(rounds, measure("ours", own), measure("theirs", OPPONENT));
        comparisons.push(compare(
          {
            name: `import_${name.replaceAll("-", "_")}_deno_${runtime.split(".").slice(0, 2).join("_")}`,
            opponent: `${OPPONENT}: ${name}, Deno ${runtime}`,
            unit: "ms",
            goal: GOAL,
          },
          results,
          (milliseconds) => milliseconds,
        ));
      }
    }
    return { comparisons, figures: [] };
  },
};

async function medianTime(runtime: Runtime, module: string): Promise<number> {
  const times: number[] = [];
  for (let start = 0; start < STARTS_A_ROUND; start++) times.push(await importTime(runtime, module));
  return median(times);
}

/** Milliseconds of an import in a new process. */
async function importTime(runtime: Runtime, module: string): Promise<number> {
  const measuring = projectPath("bench/stack/import-time.ts");
  const { command, args } = runtime === "2.9.6"
    ? { command: Deno.execPath(), args: ["run", "-A", ...DENO_FLAGS] }
    // The older Deno cannot read the lock file.
    : {
      command: "npx",
      args: ["-y", `deno@${runtime}`, "run", "-A", ...DENO_FLAGS, "--no-lock", `--config=${projectPath("deno.json")}`],
    };
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args, measuring, module],
    env: { DENO_TLS_CA_STORE: "system" },
    stdin: "null",
  }).output();
  if (!success) throw new Error(`${module} was not imported: ${new TextDecoder().decode(stderr)}`);
  return Number(new TextDecoder().decode(stdout).trim().split("\n").at(-1));
}
