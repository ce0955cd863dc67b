import { simulate } from "./run.ts";
import { randomSeed, SHORT_RUN, untidy } from "./short-run.ts";

const seed = randomSeed();

Deno.test(`every invariant holds in a world of a random seed (${seed})`, untidy, async () => {
  await simulate({ ...SHORT_RUN, seed, connections: 8, mustMeet: "sure" });
});
