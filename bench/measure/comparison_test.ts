import assert from "node:assert/strict";
import { compare, inTurn, reaches } from "./comparison.ts";

Deno.test("both sides are measured in each round, and in every second round the other one first", async () => {
  const order: string[] = [];
  const measure = (side: string) => (round: number) => {
    order.push(`${side}${round}`);
    return Promise.resolve(round);
  };
  const rounds = await inTurn(3, measure("ours"), measure("theirs"));
  assert.deepEqual(order, ["ours0", "theirs0", "theirs1", "ours1", "ours2", "theirs2"]);
  assert.deepEqual(rounds, [0, 1, 2].map((round) => ({ ours: round, theirs: round })));
});

const rounds = [{ ours: 20, theirs: 10 }, { ours: 90, theirs: 30 }, { ours: 8, theirs: 8 }];
const description = { name: "speed", opponent: "a flow", unit: "calls/s" };

Deno.test("the ratio is the median of the rounds' ratios, and not the ratio of the medians", () => {
  const { ours, theirs, ratio } = compare(description, rounds, (figure) => figure);
  assert.deepEqual([ours.median, theirs.median], [20, 10]);
  assert.deepEqual(ratio, { median: 2, lowest: 1, highest: 3 });
});

Deno.test("a goal is reached at least or at most", () => {
  const reached = (goal?: { atLeast: number } | { atMost: number }) =>
    reaches(compare({ ...description, goal }, rounds, (figure) => figure));
  assert.deepEqual([reached({ atLeast: 2 }), reached({ atLeast: 2.1 })], [true, false]);
  assert.deepEqual([reached({ atMost: 2 }), reached({ atMost: 1.9 })], [true, false]);
  assert.equal(reached(), undefined);
});
