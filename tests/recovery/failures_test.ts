// Jobs that fail after the provider has accepted them.
import assert from "node:assert/strict";
import {
  assertPaidOnce,
  assertRefundedOnce,
  download,
  INSTANT,
  PRICE,
  simulatorOf,
  startGeneration,
} from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";

/** Longer than any deadline of the catalogue. */
const DEADLINE_SECONDS = 1800;

const world = useWorld({ falSimulator: INSTANT });

/** Failures that another attempt cannot cure: the simulator's prompt word and our error code. */
const FINAL_FAILURES: [what: string, fal: string, errorCode: string][] = [
  ["a prompt against the content policy", "content_policy", "content_policy"],
  ["an input that the model finds invalid", "validation", "provider_rejected_input"],
  ["an image that the model cannot load", "image_load_error", "image_rejected"],
  ["a run that made nothing", "no_media", "no_media"],
  ["a success without a video in it", "no_video", "no_media"],
  ["an error that fal says not to retry", "internal_server_error_final", "provider_error"],
  ["a run that was cancelled at the provider", "client_cancelled", "cancelled_by_provider"],
  ["a run that the provider did not start in time", "user_timeout", "provider_timeout"],
  ["a result that fal no longer has", "expired", "result_expired"],
  ["a file that is no video", "media_wrong_type", "media_unusable"],
  ["a file larger than the bucket takes", "size=600mb", "media_unusable"],
  ["a file on a host that is not allowed", "media_foreign", "provider_bad_answer"],
  ["a file that leads to a private address", "media_private_redirect", "provider_bad_answer"],
];

for (const [what, fal, errorCode] of FINAL_FAILURES) {
  Deno.test(`${what} fails the job as ${errorCode} after one attempt and refunds it once`, async () => {
    const generation = await startGeneration(world, { fal });
    assert.deepEqual([generation.answer.status, generation.answer.body.status], [200, "pending"]);
    const end = await generation.poll();
    await assertRefundedOnce(world, generation, end, errorCode);
    assert.equal(await world.balance(generation.user), 100);
    assert.equal(generation.runs().length, 1);
  });
}

Deno.test("a failed job stays as it is, however often it is polled later", async () => {
  const generation = await startGeneration(world, { fal: "content_policy" });
  const first = await generation.poll();
  const calls = { ...generation.runs()[0]?.calls };
  for (let count = 0; count < 3; count++) {
    assert.deepEqual((await generation.poll(DEADLINE_SECONDS)).body, first.body);
  }
  assert.deepEqual(generation.runs()[0]?.calls, calls, "a finished job was checked");
  assert.deepEqual(await generation.ledger(), [-PRICE, PRICE]);
});

Deno.test("the message of a failure is in the caller's language, its code is the same in every language", async () => {
  const { user, jobId, poll } = await startGeneration(world, { fal: "content_policy" });
  await poll();
  const spanish = await world.status(user, jobId, { "Accept-Language": "es" });
  assert.equal(spanish.body.error_code, "content_policy");
  assert.match(String(spanish.body.error_message), /política de contenido/);
});

Deno.test("nothing that the provider said of a failure reaches the user", async () => {
  const { poll } = await startGeneration(world, { fal: "internal_server_error_final" });
  assert.equal((await poll()).body.error_message, "The model failed while making the video: try again");
});

Deno.test("the replay of a request whose job failed later is still that request's own answer", async () => {
  const generation = await startGeneration(world, { fal: "content_policy" });
  await generation.poll();
  const replay = await generation.send();
  assert.deepEqual([replay.status, replay.body], [200, generation.answer.body]);
  assert.equal(generation.runs().length, 1);
});

for (const error of ["internal_server_error", "generation_timeout", "runner_disconnected", "startup_timeout"]) {
  Deno.test(`a run that ends in ${error} is made anew after a pause, and paid for once`, async () => {
    const generation = await startGeneration(world, { fal: `${error} times=1` });
    const failed = await generation.poll();
    assert.deepEqual([failed.body.status, failed.body.credits_refunded], ["processing", 0]);
    await generation.poll(0);
    assert.equal(generation.runs().length, 1, "no pause was made");
    await generation.poll();
    assert.equal(generation.runs().length, 2);
    await assertPaidOnce(world, generation, await generation.poll());
  });
}

Deno.test("the percentage does not fall when a run is made anew", async () => {
  const generation = await startGeneration(world, { fal: "internal_server_error times=1" });
  const seen = [];
  for (let count = 0; count < 4; count++) {
    const { progress } = (await generation.poll()).body;
    assert.ok(typeof progress === "object" && progress !== null && "percent" in progress);
    seen.push(Number(progress.percent));
  }
  assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
});

Deno.test("a run that always fails is made four times, then the job fails and is refunded", async () => {
  const generation = await startGeneration(world, { fal: "internal_server_error" });
  await assertRefundedOnce(world, generation, await generation.outcome(), "provider_error");
  assert.equal(generation.runs().length, 4);
});

Deno.test("a run that never ends is cancelled at the deadline, and its job fails and is refunded", async () => {
  const generation = await startGeneration(world, { fal: "hang" });
  assert.equal((await generation.poll(DEADLINE_SECONDS - 60)).body.status, "processing");
  await assertRefundedOnce(world, generation, await generation.poll(60), "timeout");
  assert.equal(generation.runs()[0]?.cancelled, true);
});

Deno.test("a run that never leaves the queue ends at the deadline too", async () => {
  const generation = await startGeneration(world, { fal: "stuck" });
  await assertRefundedOnce(world, generation, await generation.poll(DEADLINE_SECONDS), "timeout");
  assert.equal(generation.runs()[0]?.cancelled, true);
});

Deno.test("a run that ignores its cancellation is refunded all the same", async () => {
  const generation = await startGeneration(world, { fal: "run=1h cancel_ignored" });
  await assertRefundedOnce(world, generation, await generation.poll(DEADLINE_SECONDS), "timeout");
  assert.equal(generation.runs()[0]?.calls.cancel, 1);
});

Deno.test("a video that is there at the deadline is delivered, not thrown away", async () => {
  const generation = await startGeneration(world);
  await assertPaidOnce(world, generation, await generation.poll(DEADLINE_SECONDS + 60));
});

// Answers to a check that say nothing about the run.
for (const fal of ["status_500=3", "status_404=3", "status_429=3", "result_502=3", "result_503=3", "result_401=3"]) {
  Deno.test(`three checks that end in ${fal.slice(0, -2)} decide nothing: the job goes on and is delivered`, async () => {
    const generation = await startGeneration(world, { fal });
    for (let count = 0; count < 3; count++) {
      const checked = await generation.poll();
      assert.deepEqual([checked.status, checked.body.status], [200, "processing"]);
    }
    await assertPaidOnce(world, generation, await generation.outcome());
    assert.equal(generation.runs().length, 1);
  });
}

Deno.test("checks that fail are made less and less often", async () => {
  const generation = await startGeneration(world, { fal: "status_500=1000" });
  for (let count = 0; count < 60; count++) await generation.poll(5);
  const checks = generation.runs()[0]?.calls.status ?? 0;
  assert.ok(checks >= 5 && checks <= 30, `${checks} checks in five minutes`);
});

Deno.test("a provider that is out of reach for a while only delays a job", async () => {
  const generation = await startGeneration(world);
  simulatorOf(world).configure({ outage: 503 });
  for (let count = 0; count < 3; count++) assert.equal((await generation.poll()).body.status, "processing");
  simulatorOf(world).configure({ outage: 0 });
  await assertPaidOnce(world, generation, await generation.outcome());
});

Deno.test("a file that is gone is requested three times, then the job fails and is refunded", async () => {
  const generation = await startGeneration(world, { fal: "media_dead" });
  assert.equal((await generation.poll()).body.status, "processing");
  await assertRefundedOnce(world, generation, await generation.outcome(), "result_expired");
  assert.equal(generation.runs()[0]?.calls.file, 3);
});

Deno.test("a file that comes a little late is delivered", async () => {
  const generation = await startGeneration(world);
  simulatorOf(world).configure({ filesExpired: true });
  assert.equal((await generation.poll()).body.status, "processing");
  simulatorOf(world).configure({ filesExpired: false });
  await assertPaidOnce(world, generation, await generation.outcome());
});

for (const fal of ["media_oversized", "media_no_length", "runner_lost", "huge_integers"]) {
  Deno.test(`${fal} does no harm: the whole video is delivered`, async () => {
    const generation = await startGeneration(world, { fal });
    const end = await generation.outcome();
    await assertPaidOnce(world, generation, end);
    const made = await download(`${simulatorOf(world).url}/files/${generation.runs()[0]?.id}/output.mp4`);
    assert.deepEqual(await download(end.body.video_url), made);
  });
}
