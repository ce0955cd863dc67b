import assert from "node:assert/strict";
import {
  classOf,
  errorOf,
  failureOf,
  mediaOf,
  noTimeout,
  PACE,
  type ProviderUnderTest,
  submissionOf,
  withSimulator,
} from "./provider-under-test.ts";

/** A run, from its submission to each of its ends. */
export function testRuns(tested: ProviderUnderTest): void {
  const { name } = tested;

  Deno.test(`${name}: a run is followed to its video, which is opened`, async () => {
    await withSimulator(tested, async ({ provider, submissions, advance }) => {
      const run = await provider.submit(submissionOf(tested), noTimeout());
      assert.equal((await provider.check(run, noTimeout())).state, tested.reportsQueue ? "queued" : "running");
      await advance(PACE.queueMs);
      assert.equal((await provider.check(run, noTimeout())).state, "running");
      await advance(PACE.runMs);
      const { video_url = "" } = mediaOf(await provider.check(run, noTimeout()));
      const response = await provider.fetchMedia(video_url, noTimeout());
      assert.equal(response.headers.get("content-type"), "video/mp4");
      const bytes = new Uint8Array(await response.arrayBuffer());
      assert.equal(bytes.length, Number(response.headers.get("content-length")));
      assert.equal(submissions(), 1);
    });
  });

  for (const [words, errorClass] of tested.failures) {
    Deno.test(`${name}: a run that ends with ${words} has failed as ${errorClass}`, async () => {
      await withSimulator(tested, async ({ provider, advance }) => {
        const run = await provider.submit(submissionOf(tested, words), noTimeout());
        await advance(PACE.queueMs);
        await advance(PACE.runMs);
        const error = failureOf(await provider.check(run, noTimeout()));
        assert.deepEqual([classOf(error), error.mayHaveStarted], [errorClass, false]);
      });
    });
  }

  Deno.test(`${name}: looks that fail are thrown, and the next one finds the video`, async () => {
    await withSimulator(tested, async ({ provider, finish }) => {
      const run = await provider.submit(submissionOf(tested, "status_503=1"), noTimeout());
      finish(run);
      assert.equal(classOf(await errorOf(provider.check(run, noTimeout()))), "retryable provider_busy");
      assert.ok(mediaOf(await provider.check(run, noTimeout())).video_url);
    });
  });

  Deno.test(`${name}: a result is forgotten after its time: expired, not to be tried again`, async () => {
    await withSimulator(tested, async ({ provider, finish, advance }) => {
      const run = await provider.submit(submissionOf(tested), noTimeout());
      finish(run);
      await advance(tested.retentionMs - 1000);
      assert.ok(mediaOf(await provider.check(run, noTimeout())).video_url);
      await advance(2000);
      assert.equal(classOf(failureOf(await provider.check(run, noTimeout()))), "rejected result_expired");
      assert.equal(await provider.cancel(run, noTimeout()), false);
    });
  });

  for (const [state, wait] of [["queued", 0], ["running", PACE.queueMs]] as const) {
    const can = tested.cancels[state];
    Deno.test(`${name}: a ${state} run ${can ? "is cancelled, and has ended by that" : "cannot be cancelled"}`, async () => {
      await withSimulator(tested, async ({ provider, advance }) => {
        const run = await provider.submit(submissionOf(tested, "hang"), noTimeout());
        await advance(wait);
        assert.equal(await provider.cancel(run, noTimeout()), can);
        const after = await provider.check(run, noTimeout());
        if (can) assert.equal(classOf(failureOf(after)), "rejected cancelled_by_provider");
        else assert.equal(after.state, "running");
        // Again: nothing happens, and nothing is thrown.
        assert.equal(await provider.cancel(run, noTimeout()), tested.name === "runpod" ? can : false);
      });
    });
  }

  Deno.test(`${name}: a run that has ended is not cancelled, and stays what it is`, async () => {
    await withSimulator(tested, async ({ provider, finish }) => {
      const run = await provider.submit(submissionOf(tested), noTimeout());
      finish(run);
      assert.equal(await provider.cancel(run, noTimeout()), tested.cancels.ended);
      assert.ok(mediaOf(await provider.check(run, noTimeout())).video_url);
    });
  });
}
