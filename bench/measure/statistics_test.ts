import assert from "node:assert/strict";
import { median, quantile, rounded, spreadOf } from "./statistics.ts";

Deno.test("the median of an even number of values lies between the two in the middle", () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([30, 10, 20]), 20);
});

Deno.test("a quantile between two values is in proportion", () => {
  assert.equal(quantile([0, 10], 0.25), 2.5);
  assert.equal(quantile([7], 0.99), 7);
  assert.throws(() => quantile([], 0.5), /no values/);
});

Deno.test("a spread is the median with the lowest and the highest value", () => {
  assert.deepEqual(spreadOf([5, 1, 3]), { median: 3, lowest: 1, highest: 5 });
});

for (const [value, shown] of [[1.23456, 1.23], [12.345, 12.3], [1234.5, 1235], [0.0123456, 0.012]] as const) {
  Deno.test(`${value} is shown as ${shown}`, () => assert.equal(rounded(value), shown));
}
