import assert from "node:assert/strict";
import { RateLimit } from "./rate-limit.ts";

Deno.test("each key has its own limit, until the minute is over", () => {
  let now = 1000;
  const limit = new RateLimit(2, () => now);
  assert.deepEqual([limit.take("a"), limit.take("a"), limit.take("b")], [0, 0, 0]);
  now += 59_500;
  assert.deepEqual([limit.take("a"), limit.take("b"), limit.take("b")], [1, 0, 1]);
  now += 500;
  assert.equal(limit.take("a"), 0);
});

Deno.test("invented keys fill no memory, and a key that is counted stays so", () => {
  const limit = new RateLimit(1, () => 0);
  limit.take("counted");
  for (let count = 0; count < 20_000; count++) limit.take(`invented ${count}`);
  assert.equal(limit.take("counted"), 60);
  assert.deepEqual([limit.take("one too many"), limit.take("one too many")], [0, 0]);
});
