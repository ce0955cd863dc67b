// Claim: a request for a video is faster than in an app that is built as the documents of such apps show it.
import type { Benchmark } from "../measure/benchmark.ts";
import { withBenchStack } from "../stack/bench-stack.ts";
import { compareGenerations } from "../stack/generations.ts";

export const document: Benchmark = {
  name: "document",
  claim: "More videos are started a second than by an app built step after step as such apps' documents show it.",
  run: (effort) =>
    withBenchStack(effort, async (bench) => ({
      ...await compareGenerations(bench, effort, {
        path: "document",
        what: "an app as documents show it",
        ratio: "generate_vs_document",
        goal: { atLeast: 2.5 },
      }),
      postgres: bench.version,
    })),
};
