import type { Benchmark } from "../measure/benchmark.ts";
import { audit } from "./audit.ts";
import { document } from "./document.ts";
import { generate } from "./generate.ts";
import { growth } from "./growth.ts";
import { imports } from "./import.ts";
import { memory } from "./memory.ts";
import { minimal } from "./minimal.ts";
import { notice } from "./notice.ts";
import { poll } from "./poll.ts";
import { procedures } from "./procedures.ts";
import { rehearsal } from "./rehearsal.ts";
import { storm } from "./storm.ts";
import { worker } from "./worker.ts";

/** Every benchmark, in the order in which they run. */
export const BENCHMARKS: readonly Benchmark[] = [
  generate,
  document,
  minimal,
  poll,
  procedures,
  notice,
  growth,
  worker,
  audit,
  rehearsal,
  imports,
  memory,
  storm,
];
