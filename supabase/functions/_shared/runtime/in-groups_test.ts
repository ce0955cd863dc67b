import assert from "node:assert/strict";
import { inGroups } from "./in-groups.ts";

/** Groups numbers of the same moment, and doubles each; every call waits until `go` is called. */
function held(answer: (inputs: number[]) => number[] = (inputs) => inputs.map((input) => 2 * input)) {
  const groups: number[][] = [];
  const waiting: (() => void)[] = [];
  const double = inGroups(() => Promise.resolve(), async (inputs: number[]) => {
    groups.push(inputs);
    await new Promise<void>((resolve) => waiting.push(resolve));
    return answer(inputs);
  });
  return { double, groups, go: () => waiting.shift()?.() };
}

const moment = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("what comes in the same moment, or while a call is under way, is one call", async () => {
  const { double, groups, go } = held();
  const first = [double(1), double(2)];
  await moment();
  const second = [double(3), double(4), double(5)];
  go();
  assert.deepEqual(await Promise.all(first), [2, 4]);
  await moment();
  go();
  assert.deepEqual(await Promise.all(second), [6, 8, 10]);
  assert.deepEqual(groups, [[1, 2], [3, 4, 5]]);
});

Deno.test("a call that fails fails for its own group only", async () => {
  const { double, go } = held((inputs) => {
    if (inputs.includes(1)) throw new Error("no");
    return inputs;
  });
  const first = assert.rejects(double(1), /no/);
  await moment();
  const second = double(2);
  go();
  await first;
  await moment();
  go();
  assert.equal(await second, 2);
});

Deno.test("an answer with too few parts is an error for all", async () => {
  const { double, go } = held(() => [1]);
  const both = [assert.rejects(double(1)), assert.rejects(double(2))];
  await moment();
  go();
  await Promise.all(both);
});
