import type { Benchmark } from "../measure/benchmark.ts";
import { generate } from "./generate.ts";
import { growth } from "./growth.ts";
import { imports } from "./import.ts";
import { minimal } from "./minimal.ts";
import { notice } from "./notice.ts";
import { poll } from "./poll.ts";
import { procedures } from "./procedures.ts";

/** Every benchmark, in the order in which they run. */
export const BENCHMARKS: readonly Benchmark[] = [generate, minimal, poll, procedures, notice, growth, imports];
