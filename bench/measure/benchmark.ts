import type { Comparison, Goal } from "./comparison.ts";
import { rounded, type Spread } from "./statistics.ts";

/** How much is measured, and where the progress is shown. */
export interface Effort {
  rounds: number;
  /** How long each measurement of a load lasts. */
  seconds: number;
  /** How many rows or jobs the benchmarks of growth make. */
  size: number;
  /** Whether PostgreSQL waits until what it commits is on the disk. */
  fsync: boolean;
  onProgress(step: string): void;
}

/** Something measured that has no opponent. */
export interface Figure {
  name: string;
  what: string;
  unit: string;
  value: Spread;
  goal?: Goal | undefined;
}

/** What a benchmark found. */
export interface Findings {
  comparisons: Comparison[];
  figures: Figure[];
  /** The version of the PostgreSQL that was used; none where none was. */
  postgres?: string | undefined;
}

/** One benchmark: its name on the command line, the one claim that it tests, and how. */
export interface Benchmark {
  name: string;
  claim: string;
  run(effort: Effort): Promise<Findings>;
}

/** The result for programs: medians, and beside each ratio its lowest and highest round. */
export interface JsonResult {
  name: string;
  ratios: Record<string, number>;
  figures: Record<string, number>;
}

export function toJson(name: string, { comparisons, figures }: Findings): JsonResult {
  return {
    name,
    ratios: Object.fromEntries(comparisons.map(({ name, ratio }) => [name, rounded(ratio.median)])),
    figures: Object.fromEntries([
      ...comparisons.flatMap(({ name, ratio, ours, theirs }) => [
        [`${name}_lowest`, rounded(ratio.lowest)],
        [`${name}_highest`, rounded(ratio.highest)],
        [`${name}_ours`, rounded(ours.median)],
        [`${name}_theirs`, rounded(theirs.median)],
      ]),
      ...figures.map(({ name, value }) => [name, rounded(value.median)]),
    ]),
  };
}
