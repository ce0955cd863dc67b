// A short run of the random world. `deno task simulate` runs it for longer.
import { simulate } from "./run.ts";
import { SHORT_RUN, untidy } from "./short-run.ts";

Deno.test(
  "every invariant holds in a world of crashes, duplicates, forgeries, failing providers and users who leave",
  untidy,
  async () => {
    // This seed is always the same run, so it can be required to meet things that other runs of its length may miss.
    await simulate({ ...SHORT_RUN, seed: 20_261_121, connections: 1, mustMeet: "usual" });
  },
);
