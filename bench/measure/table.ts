import type { Findings } from "./benchmark.ts";
import { type Comparison, type Goal, reaches } from "./comparison.ts";
import { rounded, type Spread } from "./statistics.ts";

const COMPARISON_HEAD = ["ours against", "unit", "ours", "theirs", "ratio", "lowest – highest", "goal"];
const FIGURE_HEAD = ["figure", "unit", "median", "lowest – highest", "goal"];

/** The findings as tables of Markdown, which are easy to read in a terminal too. */
export function tablesOf({ comparisons, figures }: Findings): string {
  const tables: string[] = [];
  if (comparisons.length > 0) tables.push(tableOf([COMPARISON_HEAD, ...comparisons.map(comparisonRow)]));
  if (figures.length > 0) {
    const rows = figures.map(({ what, unit, value, goal }) => [
      what,
      unit,
      text(value.median),
      range(value),
      goal === undefined ? "" : goalText(goal),
    ]);
    tables.push(tableOf([FIGURE_HEAD, ...rows]));
  }
  return tables.join("\n\n");
}

function comparisonRow(comparison: Comparison): string[] {
  const { opponent, unit, ours, theirs, ratio, goal } = comparison;
  const verdict = goal === undefined ? "" : `${goalText(goal)}: ${reaches(comparison) ? "reached" : "not reached"}`;
  return [opponent, unit, text(ours.median), text(theirs.median), text(ratio.median), range(ratio), verdict];
}

function goalText(goal: Goal): string {
  return "atLeast" in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
}

function text(value: number): string {
  return String(rounded(value));
}

function range({ lowest, highest }: Spread): string {
  return `${text(lowest)} – ${text(highest)}`;
}

/** A table of Markdown; the first row is its head. */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |`
  );
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n");
}
