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

Deno.test("invented keys fill no memory, and a key that comes again and again stays counted", () => {
  const limit = new RateLimit(100, () => 0);
  let invented = 0;
  const flood = (keys: number) => {
    for (let count = 0; count < keys; count++) assert.equal(limit.take(`invented ${invented++}`), 0);
  };
  for (let count = 0; count < 100; count++) {
    assert.equal(limit.take("counted"), 0);
    flood(300);
  }
  for (let count = 0; count < 40; count++) {
    assert.equal(limit.take("counted"), 60);
    flood(300);
  }
  flood(10_000);
  assert.equal(limit.take("counted"), 0);
});
