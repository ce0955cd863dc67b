import assert from "node:assert/strict";
import {
  classOf,
  errorOf,
  failureOf,
  mediaOf,
  noTimeout,
} from "../../supabase/functions/_shared/providers/test_support.ts";
import { PACE, type ProviderUnderTest, submissionOf, withSimulator } from "./provider-under-test.ts";

/** A run, from its submission to each way in which it can end. */
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

  Deno.test(`${name}: a check that fails throws, and the next one finds the video`, async () => {
    await withSimulator(tested, async ({ provider, finish }) => {
      const run = await provider.submit(submissionOf(tested, "status_503=1"), noTimeout());
      finish(run);
      assert.equal(classOf(await errorOf(provider.check(run, noTimeout()))), "retryable provider_busy");
      assert.ok(mediaOf(await provider.check(run, noTimeout())).video_url);
    });
  });

  Deno.test(`${name}: a result that the provider has deleted is expired, and not to be tried again`, async () => {
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
}
