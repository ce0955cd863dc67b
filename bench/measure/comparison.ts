import { type Spread, spreadOf } from "./statistics.ts";

/** What a ratio must reach. */
export type Goal = { atLeast: number } | { atMost: number };

/** Ours and an opponent's measurements of the same thing, and their ratio, ours divided by theirs, in each round. */
export interface Comparison {
  /** The name of the ratio in the JSON. */
  name: string;
  opponent: string;
  unit: string;
  ours: Spread;
  theirs: Spread;
  ratio: Spread;
  goal?: Goal | undefined;
}

/** What both sides measured in one round. */
export interface Round<Result> {
  ours: Result;
  theirs: Result;
}

/**
 * Measures both sides in each round, and begins with the other one in every second round: what changes slowly on the
 * machine then meets both alike.
 */
export async function inTurn<Result>(
  rounds: number,
  ours: (round: number) => Promise<Result>,
  theirs: (round: number) => Promise<Result>,
): Promise<Round<Result>[]> {
  const results: Round<Result>[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      results.push({ ours: await ours(round), theirs: await theirs(round) });
    } else {
      const second = await theirs(round);
      results.push({ ours: await ours(round), theirs: second });
    }
  }
  return results;
}

/** A comparison of one figure of all rounds. */
export function compare<Result>(
  description: Pick<Comparison, "name" | "opponent" | "unit" | "goal">,
  rounds: readonly Round<Result>[],
  figureOf: (result: Result) => number,
): Comparison {
  const pairs = rounds.map(({ ours, theirs }) => ({ ours: figureOf(ours), theirs: figureOf(theirs) }));
  return {
    ...description,
    ours: spreadOf(pairs.map(({ ours }) => ours)),
    theirs: spreadOf(pairs.map(({ theirs }) => theirs)),
    ratio: spreadOf(pairs.map(({ ours, theirs }) => ours / theirs)),
  };
}

/** Whether the median reaches the goal; undefined where there is none. */
export function reaches({ ratio, goal }: Comparison): boolean | undefined {
  if (goal === undefined) return undefined;
  return "atLeast" in goal ? ratio.median >= goal.atLeast : ratio.median <= goal.atMost;
}
