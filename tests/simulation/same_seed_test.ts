import assert from "node:assert/strict";
import { simulate } from "./run.ts";
import { randomSeed, untidy } from "./short-run.ts";

const seed = randomSeed();

Deno.test("a seed gives the same world again, so that a failure can be repeated", untidy, async () => {
  const world = { seed, operations: 1_000, users: 200, connections: 1, mustMeet: "nothing" } as const;
  const { fingerprint } = await simulate(world);
  assert.equal((await simulate({ ...world, randomDelays: true })).fingerprint, fingerprint, `Seed ${seed}`);
});
