import assert from "node:assert/strict";
import {
  classOf,
  errorOf,
  failureOf,
  mediaOf,
  noTimeout,
} from "../../supabase/functions/_shared/providers/test_support.ts";
import { PACE, type ProviderUnderTest, submissionOf, withSimulator } from "./provider-under-test.ts";
import {
  gatewayPage,
  withDroppingServer,
  withServer,
} from "../../supabase/functions/_shared/providers/test_servers.ts";

/** A cancellation succeeds, comes too late, or throws where its outcome is unknown; it is sent once. */
export function testCancellations(tested: ProviderUnderTest): void {
  const { name, connect, run, cancels } = tested;

  for (const [state, wait] of [["queued", 0], ["running", PACE.queueMs]] as const) {
    const can = cancels[state];
    Deno.test(`${name}: a ${state} run ${can ? "is cancelled, and has ended by that" : "cannot be cancelled"}`, async () => {
      await withSimulator(tested, async ({ provider, advance }) => {
        const run = await provider.submit(submissionOf(tested, "hang"), noTimeout());
        await advance(wait);
        assert.equal(await provider.cancel(run, noTimeout()), can);
        const after = await provider.check(run, noTimeout());
        if (can) assert.equal(classOf(failureOf(after)), "rejected cancelled_by_provider");
        else assert.equal(after.state, tested.reportsQueue ? state : "running");
        assert.equal(await provider.cancel(run, noTimeout()), cancels.again);
      });
    });
  }

  Deno.test(`${name}: a run that has ended is not cancelled, and stays what it is`, async () => {
    await withSimulator(tested, async ({ provider, finish }) => {
      const run = await provider.submit(submissionOf(tested), noTimeout());
      finish(run);
      assert.equal(await provider.cancel(run, noTimeout()), cancels.ended);
      assert.ok(mediaOf(await provider.check(run, noTimeout())).video_url);
    });
  });

  if (!cancels.queued) {
    Deno.test(`${name}: a cancellation is not sent, for the provider knows none`, async () => {
      await withServer(gatewayPage(500), async ({ origin, arrived }) => {
        assert.equal(await connect(origin).cancel(run, noTimeout()), false);
        assert.deepEqual(arrived, []);
      });
    });
    return;
  }

  for (const status of [401, 429, 500, 502, 503, 504]) {
    Deno.test(`${name}: a cancellation answered with a gateway's ${status} throws, after one request`, async () => {
      await withServer(gatewayPage(status), async ({ origin, arrived }) => {
        await errorOf(connect(origin).cancel(run, noTimeout()));
        assert.equal(arrived.length, 1);
      });
    });
  }

  Deno.test(`${name}: a cancellation whose connection drops throws, after one connection`, async () => {
    await withDroppingServer(async ({ origin, connections }) => {
      const error = await errorOf(connect(origin).cancel(run, noTimeout()));
      assert.deepEqual([classOf(error), connections()], ["retryable provider_unreachable", 1]);
    });
  });
}
