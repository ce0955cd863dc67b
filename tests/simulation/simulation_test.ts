// A short run of the random world. `deno task simulate` runs it for longer.
import assert from "node:assert/strict";
import { simulate } from "./run.ts";

const OPERATIONS = 3_000;
const USERS = 60;

// Calls of crashed processes leave their timers behind.
const untidy = { sanitizeOps: false, sanitizeResources: false };

Deno.test(
  "every invariant holds in a world of crashes, duplicates, forgeries, failing providers and users who leave",
  untidy,
  async () => {
    // This seed is always the same run, so it can be required to meet things that other runs of its length may miss.
    await simulate({ seed: 20_261_121, operations: OPERATIONS, users: USERS, connections: 1, mustMeet: "usual" });
  },
);

const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;

Deno.test(`every invariant holds in a world of a random seed (${seed})`, untidy, async () => {
  await simulate({ seed, operations: OPERATIONS, users: USERS, connections: 8, mustMeet: "sure" });
});

Deno.test("a seed gives the same world again, so that a failure can be repeated", untidy, async () => {
  const world = { seed, operations: 1_000, users: 200, connections: 1, mustMeet: "nothing" } as const;
  const { fingerprint } = await simulate(world);
  assert.equal((await simulate({ ...world, randomDelays: true })).fingerprint, fingerprint, `Seed ${seed}`);
});
