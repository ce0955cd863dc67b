import type { Goal } from "../measure/comparison.ts";
import type { Effort, Findings } from "../measure/benchmark.ts";
import type { BenchStack } from "./bench-stack.ts";
import { videoRequests } from "./requests.ts";
import { compareThroughput, type Side } from "./throughput.ts";

/** An opponent of generate-video: one of the functions in bench/opponents. */
export interface GenerateOpponent {
  /** The name of its function. */
  path: string;
  /** How the table names it. */
  what: string;
  /** The name of the ratio in the JSON. */
  ratio: string;
  goal: Goal;
}

/** The callers of the ratio that has the opponent's plain name; the others add their number. */
const USUAL_CALLERS = 8;
const CALLERS = [USUAL_CALLERS, 1, 32];
/** So many that no user has more than a few jobs. */
const USERS = 500;

/** Requests for videos a second, ours and an opponent's, from eight callers at once, from one, and from thirty-two. */
export async function compareGenerations(
  bench: BenchStack,
  effort: Effort,
  { path, what, ratio, goal }: GenerateOpponent,
): Promise<Pick<Findings, "comparisons" | "figures">> {
  const side = (url: string, path: string): Side => ({
    url,
    requests: async () => videoRequests(await bench.users(USERS), path),
    newKeys: true,
    expected: 200,
  });
  const findings: Pick<Findings, "comparisons" | "figures"> = { comparisons: [], figures: [] };
  for (const callers of CALLERS) {
    const { comparison, figures } = await compareThroughput(bench, effort, {
      name: callers === USUAL_CALLERS ? ratio : `${ratio}_${callers}`,
      opponent: `${what}, ${callers} at once`,
      unit: "videos/s",
      goal,
      connections: callers,
      ours: side(bench.ours, "/generate-video"),
      theirs: side(bench.theirs, `/${path}`),
    });
    findings.comparisons.push(comparison);
    if (callers === USUAL_CALLERS) findings.figures.push(...figures);
  }
  return findings;
}
