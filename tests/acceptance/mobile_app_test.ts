// A mobile app, from the tap on "Generate" to the video on the screen. What that app has in another form:
// - model: Veo 3.1 at 4 credits for 4 seconds is Kling 3 Standard here, the one model that makes 4, 8 and 12 seconds;
// - the cost is per second, so that 4 seconds cost the 4 credits that the app shows;
// - errors have `code` and `request_id` besides `error`; the answer "Provider API failed" has the refund.
import assert from "node:assert/strict";
import { INSTANT, simulatorOf } from "../support/generation.ts";
import { type Answer, KLING, SORA } from "../support/harness.ts";
import { assertFilm, assertJpeg, creditsOf, ledgerOf, pollEvery, useProductWorld } from "../support/products.ts";
import { thumbnailEnded } from "../support/thumbnail.ts";

const world = useProductWorld({ falSimulator: INSTANT });

/** As VideoGenerationRequest encodes itself. */
function requestOf(duration: number, model_id = KLING) {
  return {
    model_id,
    prompt: "A lighthouse on a cliff at dusk",
    settings: { duration, resolution: "720p", aspect_ratio: "16:9" },
  };
}

Deno.test("steps 1 to 22: tapped, charged, made, polled every two seconds, moved to our Storage, shown", async () => {
  const user = await world.newUser(10);
  const started = await world.generate(user, { body: requestOf(4) });
  const { job_id } = started.body;
  assert.deepEqual([started.status, started.body], [200, {
    job_id,
    status: "pending",
    credits_used: 4,
    credits_remaining: 6,
  }]);
  assert.match(started.headers.get("content-type") ?? "", /^application\/json/);

  const [sent] = simulatorOf(world).requests;
  assert.equal(sent?.headers["content-type"], "application/json");
  const { prompt, duration, aspect_ratio } = sent?.input ?? {};
  assert.deepEqual({ prompt, duration, aspect_ratio }, {
    prompt: "A lighthouse on a cliff at dusk",
    duration: "4",
    aspect_ratio: "16:9",
  });

  const { seen, last } = await pollEvery(world, 2, () => world.status(user, job_id));
  assert.ok(seen.slice(0, -1).every(({ body }) => body.status === "pending" || body.status === "processing"));
  assert.ok(seen.slice(0, -1).every(({ body }) => body.video_url === null && body.completed_at === null));
  const { body } = last;
  assert.deepEqual([body.job_id, body.status], [job_id, "completed"]);
  assert.ok(String(body.video_url).startsWith(`${world.url}/storage/v1/object/sign/videos/`));
  await assertFilm(body.video_url);
  await thumbnailEnded(world, job_id);
  await assertJpeg((await world.status(user, job_id)).body.thumbnail_url);
  for (const time of [body.created_at, body.completed_at]) {
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  }
  assert.ok(Date.parse(String(body.completed_at)) >= Date.parse(String(body.created_at)));
  assert.deepEqual(await ledgerOf(world, user, job_id), [[-4, "video_generation"]]);
  await world.audit();
});

for (const duration of [4, 8, 12]) {
  Deno.test(`the picker's ${duration} seconds are made, at a credit a second`, async () => {
    const user = await world.newUser(20);
    const { body } = await world.generate(user, { body: requestOf(duration) });
    assert.deepEqual([body.credits_used, body.credits_remaining], [duration, 20 - duration]);
    const { last } = await pollEvery(world, 2, () => world.status(user, body.job_id));
    assert.equal(last.body.status, "completed");
  });
}

Deno.test("step 4: without a key the request is refused, and without a token too", async () => {
  const user = await world.newUser(10);
  const keyless = await world.call("generate-video", { user, body: requestOf(4) });
  assert.deepEqual([keyless.status, keyless.body.error], [400, "Idempotency-Key header required"]);
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const tokenless = await world.call("generate-video", { headers, body: requestOf(4) });
  assert.deepEqual([tokenless.status, tokenless.body.error], [401, "Unauthorized"]);
  assert.equal(await creditsOf(world, user), 10);
});

for (const [what, model] of [["unknown", crypto.randomUUID()], ["switched off", SORA]] as const) {
  Deno.test(`a model that is ${what} is 404, and nothing is charged`, async () => {
    const user = await world.newUser(10);
    const { status, body } = await world.generate(user, { body: requestOf(4, model) });
    assert.deepEqual([status, body.error], [404, "Model not found"]);
    assert.equal(await creditsOf(world, user), 10);
  });
}

Deno.test("error scenario 1: two credits are not four, and the answer has both numbers", async () => {
  const user = await world.newUser(2);
  const { status, body } = await world.generate(user, { body: requestOf(4) });
  const { error, current_credits, required_credits } = body;
  assert.deepEqual({ status, error, current_credits, required_credits }, {
    status: 402,
    error: "Insufficient credits",
    current_credits: 2,
    required_credits: 4,
  });
  assert.equal(await creditsOf(world, user), 2);
});

Deno.test('error scenario 2: the network drops, the app repeats "abc-123", and is not charged twice', async () => {
  const user = await world.newUser(10);
  const first = await world.generate(user, { key: "abc-123", body: requestOf(4) });
  assert.equal(first.headers.get("x-idempotent-replay"), null);
  const retries = await Promise.all([1, 2, 3].map(() => world.generate(user, { key: "abc-123", body: requestOf(4) })));
  for (const retry of retries) {
    assert.deepEqual([retry.status, retry.body], [200, first.body]);
    assert.equal(retry.headers.get("x-idempotent-replay"), "true");
  }
  assert.equal(await creditsOf(world, user), 6);
  assert.equal(simulatorOf(world).requests.length, 1);
});

Deno.test("a cached answer is kept for a day, and the key is fresh after it", async () => {
  const user = await world.newUser(10);
  const first = await world.generate(user, { key: "abc-123", body: requestOf(4) });
  await world.travel(24 * 3600 - 60);
  const replay = await world.generate(user, { key: "abc-123", body: requestOf(4) });
  assert.equal(replay.body.job_id, first.body.job_id);
  await world.travel(120);
  const second = await world.generate(user, { key: "abc-123", body: requestOf(4) });
  assert.notEqual(second.body.job_id, first.body.job_id);
});

Deno.test("error scenario 3: the provider's API fails, the job is failed, the credits are back", async () => {
  const user = await world.newUser(10);
  simulatorOf(world).configure({ submit: "503" });
  const { status, body } = await world.generate(user, { body: requestOf(4) });
  assert.deepEqual([status, body.error], [500, "Provider API failed"]);
  assert.deepEqual([body.credits_refunded, body.credits_remaining, await creditsOf(world, user)], [4, 10, 10]);
  const job = await world.status(user, body.job_id);
  assert.equal(job.body.status, "failed");
  assert.ok(String(job.body.error_message).length > 10);
  assert.deepEqual(await ledgerOf(world, user, body.job_id), [
    [-4, "video_generation"],
    [4, "generation_failed_refund"],
  ]);
  await world.audit();
});

Deno.test("a run that fails later stops the app's polling with failed, refunded", async () => {
  const user = await world.newUser(10);
  simulatorOf(world).script("lighthouse", { outcome: "content_policy_violation" });
  const { body } = await world.generate(user, { body: requestOf(4) });
  const { last } = await pollEvery(world, 2, () => world.status(user, body.job_id));
  assert.equal(last.body.status, "failed");
  assert.equal(await creditsOf(world, user), 10);
});

Deno.test("a job that cannot be created is 500, and charged for nothing", async () => {
  const user = await world.newUser(10);
  await world.sql.unsafe(`
    create function private.test_break() returns trigger language plpgsql as $$ begin raise 'broken'; end $$;
    create trigger test_break before insert on video_jobs for each row execute function private.test_break()`);
  try {
    const { status, body } = await world.generate(user, { body: requestOf(4) });
    assert.deepEqual([status, body.error], [500, "Failed to create job"]);
  } finally {
    await world.sql`drop function private.test_break cascade`;
  }
  assert.equal(await creditsOf(world, user), 10);
  await world.audit();
});

Deno.test("the status of an unknown job is 404", async () => {
  const user = await world.newUser(10);
  const { status, body } = await world.status(user, crypto.randomUUID());
  assert.deepEqual([status, body.error], [404, "Job not found"]);
});

Deno.test("security guarantees: ten taps at once on credits for two make two videos, with a whole audit trail", async () => {
  const user = await world.newUser(9);
  const answers: Answer[] = await Promise.all(
    Array.from({ length: 10 }, () => world.generate(user, { body: requestOf(4) })),
  );
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 200, ...Array(8).fill(402)]);
  assert.equal(await creditsOf(world, user), 1);
  await world.audit();
});

Deno.test("security guarantees: a price of the client's own is not taken", async () => {
  const user = await world.newUser(10);
  for (const price of [{ cost: 0 }, { credits_used: 1 }, { cost_per_generation: 0 }]) {
    assert.equal((await world.generate(user, { body: { ...requestOf(4), ...price } })).status, 400);
  }
  assert.equal(await creditsOf(world, user), 10);
});
