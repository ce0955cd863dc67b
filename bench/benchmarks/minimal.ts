// Claim: what generate-video does besides the calls that any such function must make costs little.
import type { Benchmark } from "../measure/benchmark.ts";
import { withBenchStack } from "../stack/bench-stack.ts";
import { compareGenerations } from "../stack/generations.ts";

export const minimal: Benchmark = {
  name: "minimal",
  claim:
    "A request for a video is nearly as fast as a function that only checks the token, calls two procedures that do " +
    "nothing, and the provider.",
  run: (effort) =>
    withBenchStack(effort, async (bench) => ({
      ...await compareGenerations(bench, effort, {
        path: "minimal",
        what: "a minimal function",
        ratio: "generate_vs_minimal",
        goal: { atLeast: 0.8 },
      }),
      postgres: bench.version,
    })),
};
