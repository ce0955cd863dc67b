import assert from "node:assert/strict";
import {
  errorOf,
  failureOf,
  meaningOf,
  mediaOf,
  PACE,
  patient,
  type Specimen,
  submissionOf,
  withBench,
} from "./specimen.ts";

/** A run, from its submission to each of its ends. */
export function claimRuns(specimen: Specimen): void {
  const { name } = specimen;

  Deno.test(`${name}: a run is followed to its video, which is opened`, async () => {
    await withBench(specimen, async ({ provider, submissions, pass }) => {
      const run = await provider.submit(submissionOf(specimen), patient());
      assert.equal((await provider.check(run, patient())).state, specimen.tellsQueue ? "queued" : "running");
      await pass(PACE.queueMs);
      assert.equal((await provider.check(run, patient())).state, "running");
      await pass(PACE.runMs);
      const { video_url = "" } = mediaOf(await provider.check(run, patient()));
      const response = await provider.fetchMedia(video_url, patient());
      assert.equal(response.headers.get("content-type"), "video/mp4");
      const bytes = new Uint8Array(await response.arrayBuffer());
      assert.equal(bytes.length, Number(response.headers.get("content-length")));
      assert.equal(submissions(), 1);
    });
  });

  for (const [words, meaning] of specimen.failures) {
    Deno.test(`${name}: a run that ends with ${words} has failed as ${meaning}`, async () => {
      await withBench(specimen, async ({ provider, pass }) => {
        const run = await provider.submit(submissionOf(specimen, words), patient());
        await pass(PACE.queueMs);
        await pass(PACE.runMs);
        const error = failureOf(await provider.check(run, patient()));
        assert.deepEqual([meaningOf(error), error.mayHaveStarted], [meaning, false]);
      });
    });
  }

  Deno.test(`${name}: looks that fail are thrown, and the next one finds the video`, async () => {
    await withBench(specimen, async ({ provider, finish }) => {
      const run = await provider.submit(submissionOf(specimen, "status_503=1"), patient());
      finish(run);
      assert.equal(meaningOf(await errorOf(provider.check(run, patient()))), "retryable provider_busy");
      assert.ok(mediaOf(await provider.check(run, patient())).video_url);
    });
  });

  Deno.test(`${name}: a result is forgotten after its time: expired, not to be tried again`, async () => {
    await withBench(specimen, async ({ provider, finish, pass }) => {
      const run = await provider.submit(submissionOf(specimen), patient());
      finish(run);
      await pass(specimen.retentionMs - 1000);
      assert.ok(mediaOf(await provider.check(run, patient())).video_url);
      await pass(2000);
      assert.equal(meaningOf(failureOf(await provider.check(run, patient()))), "rejected result_expired");
      assert.equal(await provider.cancel(run, patient()), false);
    });
  });

  for (const [state, wait] of [["queued", 0], ["running", PACE.queueMs]] as const) {
    const can = specimen.cancels[state];
    Deno.test(`${name}: a ${state} run ${can ? "is cancelled, and has ended by that" : "cannot be cancelled"}`, async () => {
      await withBench(specimen, async ({ provider, pass }) => {
        const run = await provider.submit(submissionOf(specimen, "hang"), patient());
        await pass(wait);
        assert.equal(await provider.cancel(run, patient()), can);
        const after = await provider.check(run, patient());
        if (can) assert.equal(meaningOf(failureOf(after)), "rejected cancelled_by_provider");
        else assert.equal(after.state, "running");
        // Again: nothing happens, and nothing is thrown.
        assert.equal(await provider.cancel(run, patient()), specimen.name === "runpod" ? can : false);
      });
    });
  }

  Deno.test(`${name}: a run that has ended is not cancelled, and stays what it is`, async () => {
    await withBench(specimen, async ({ provider, finish }) => {
      const run = await provider.submit(submissionOf(specimen), patient());
      finish(run);
      assert.equal(await provider.cancel(run, patient()), specimen.cancels.ended);
      assert.ok(mediaOf(await provider.check(run, patient())).video_url);
    });
  });
}
