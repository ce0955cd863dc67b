import { createClient } from "@supabase/supabase-js";
import assert from "node:assert/strict";
import { z } from "zod";
import type { Database } from "../database/database.types.ts";
import { type ErrorFacts, ProviderError } from "../providers/provider.ts";
import { ServerTiming } from "../runtime/server-timing.ts";
import { checkAgainLater, isBackPressure, retryLater } from "./retry.ts";
import { newJob } from "./test_support.ts";

/** How long the job waits after this error, in seconds. */
async function delayAfter(later: typeof retryLater, facts: ErrorFacts, random: number): Promise<number> {
  let delay = NaN;
  const client = createClient<Database>("http://database.test", "sb_secret_test", {
    auth: { persistSession: false, autoRefreshToken: false },
    global: {
      fetch: async (address, init) => {
        delay =
          z.object({ p_delay_seconds: z.number() }).parse(await new Request(address, init).json()).p_delay_seconds;
        return Response.json({ applied: true, job: null });
      },
    },
  });
  const context = { client, timing: new ServerTiming(), log: () => {}, random: () => random };
  await later(context, newJob, new ProviderError("retryable", "provider_busy", "slow down", false, facts));
  return delay;
}

Deno.test("a refused submission waits as long as the provider asked, and a little more", async () => {
  assert.deepEqual(
    [
      await delayAfter(retryLater, { retryAfterSeconds: 60 }, 0),
      await delayAfter(retryLater, { retryAfterSeconds: 60 }, 1),
    ],
    [61, 68],
  );
});

Deno.test("without Retry-After it waits for the backoff", async () => {
  assert.deepEqual([await delayAfter(retryLater, {}, 0), await delayAfter(retryLater, {}, 1)], [1, 8]);
});

Deno.test("no provider puts a job off for more than five minutes", async () => {
  assert.equal(await delayAfter(retryLater, { retryAfterSeconds: 86_400 }, 0), 301);
});

Deno.test("a refused check is repeated when the provider allows it", async () => {
  assert.equal(await delayAfter(checkAgainLater, { status: 429, retryAfterSeconds: 30 }, 1), 32);
});

Deno.test("back-pressure is a 429 that may pass, and nothing else", () => {
  const error = (kind: "retryable" | "rejected" | "fatal", status?: number) =>
    new ProviderError(kind, "provider_busy", "no", false, { status });
  assert.equal(isBackPressure(error("retryable", 429)), true);
  for (const other of [error("fatal", 429), error("rejected", 429), error("retryable", 503), error("retryable")]) {
    assert.equal(isBackPressure(other), false);
  }
});
