// Claim: a request for a video is faster than in the flow of one REST call a step, although it is charged, limited and
// recorded in one transaction.
import type { Benchmark } from "../measure/benchmark.ts";
import { withBenchStack } from "../stack/bench-stack.ts";
import { compareGenerations } from "../stack/generations.ts";

export const generate: Benchmark = {
  name: "generate",
  claim: "More videos are started a second than by a flow that makes one REST call a step.",
  run: (effort) =>
    withBenchStack(effort, async (bench) => ({
      ...await compareGenerations(bench, effort, {
        path: "flow",
        what: "one REST call a step",
        ratio: "generate_vs_baseline",
        goal: { atLeast: 2.5 },
      }),
      postgres: bench.version,
    })),
};
