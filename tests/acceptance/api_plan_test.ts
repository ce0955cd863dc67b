// An app that was planned with two endpoints and a price for each video: its checklists, both ways of storage.
// What its plan has in another form:
// - cost: the plan's flat 4 credits are the model's own price, a credit a second; `credits_remaining` is an added field;
// - model: Sora 2 is gone (it stays in the catalogue, switched off); its request is made with Kling's image model;
// - storage: Option A, our own Storage, is the default; Option B, fal's URLs, is a setting of the deployment;
// - thumbnails: the plan skips them, its response has one: there is one, and it is private as the video is.
import assert from "node:assert/strict";
import { download, INSTANT, simulatorOf } from "../support/generation.ts";
import { KLING, KLING_IMAGE, type TestUser } from "../support/harness.ts";
import { assertFilm, assertJpeg, creditsOf, ledgerOf, pollEvery, useProductWorld } from "../support/products.ts";
import { thumbnailEnded } from "../support/thumbnail.ts";

const SORA_IMAGE = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0009";

const world = useProductWorld({ falSimulator: INSTANT });

/** The plan's request, word for word. */
function requestOf(user: TestUser) {
  return {
    user_id: user.id,
    model_id: KLING,
    prompt: "A glowing cityscape at night",
    settings: { duration: 15, resolution: "720p", fps: 30 },
  };
}

/** The plan's request to Sora 2, whose settings are the defaults of phase 2. */
const IMAGE_REQUEST = {
  prompt: "A glowing cityscape at night",
  image_url: "https://example.com/image.png",
  settings: { resolution: "auto", aspect_ratio: "auto", duration: 4 },
};

Deno.test("generate-video and get-video-status: asked for, answered, replayed, polled, completed", async () => {
  const user = await world.newUser(20);
  const key = crypto.randomUUID();
  const started = await world.generate(user, { key, body: requestOf(user) });
  const { job_id } = started.body;
  assert.deepEqual([started.status, started.body], [200, {
    job_id,
    status: "pending",
    credits_used: 15,
    credits_remaining: 5,
  }]);
  assert.match(String(job_id), /^[0-9a-f-]{36}$/);

  const replay = await world.generate(user, { key, body: requestOf(user) });
  assert.deepEqual([replay.status, replay.body], [200, started.body]);
  assert.equal(replay.headers.get("x-idempotent-replay"), "true");

  // The client's own backoff: 5, 10, 20 seconds, for at most five minutes.
  const { last } = await pollEvery(world, (attempt) => [5, 10][attempt] ?? 20, () => world.status(user, job_id));
  const { body } = last;
  assert.deepEqual([body.job_id, body.status], [job_id, "completed"]);
  assert.match(new URL(String(body.video_url)).pathname, new RegExp(`/${job_id}\\.mp4$`));
  await assertFilm(body.video_url);
  await thumbnailEnded(world, job_id);
  const { thumbnail_url } = (await world.status(user, job_id)).body;
  assert.match(new URL(String(thumbnail_url)).pathname, new RegExp(`/${job_id}_thumb\\.jpg$`));
  await assertJpeg(thumbnail_url);
  assert.equal(await creditsOf(world, user), 5);
  assert.deepEqual(await ledgerOf(world, user, job_id), [[-15, "video_generation"]]);
  await world.audit();
});

Deno.test("the plan's settings arrive at fal as its model takes them, with the key, by its queue", async () => {
  const user = await world.newUser(20);
  await world.generate(user, { body: requestOf(user) });
  const [run] = simulatorOf(world).requests;
  assert.deepEqual([run?.endpoint, run?.input], ["fal-ai/kling-video/v3/standard/text-to-video", {
    prompt: "A glowing cityscape at night",
    duration: "15",
    aspect_ratio: "16:9",
    generate_audio: true,
  }]);
});

Deno.test("the request for Sora 2, with an image and settings left to the model, is made by Kling's image model", async () => {
  const user = await world.newUser(20);
  const gone = await world.generate(user, { body: { ...IMAGE_REQUEST, model_id: SORA_IMAGE } });
  assert.deepEqual([gone.status, gone.body.error], [404, "Model not found"]);

  const { body } = await world.generate(user, { body: { ...IMAGE_REQUEST, model_id: KLING_IMAGE } });
  assert.equal(body.credits_used, 4);
  assert.deepEqual(simulatorOf(world).requests[0]?.input, {
    prompt: "A glowing cityscape at night",
    start_image_url: "https://example.com/image.png",
    duration: "4",
    generate_audio: true,
  });
  const { last } = await pollEvery(world, 5, () => world.status(user, body.job_id));
  await assertFilm(last.body.video_url);
});

Deno.test("without any settings the defaults are shipped", async () => {
  const user = await world.newUser(20);
  const { body } = await world.generate(user, { body: { model_id: KLING, prompt: "A glowing cityscape at night" } });
  const { settings } = (await world.status(user, body.job_id)).body;
  assert.deepEqual(settings, {
    duration: 5,
    resolution: "720p",
    aspect_ratio: "16:9",
    fps: 30,
    generate_audio: true,
  });
});

Deno.test("the statuses of a run are pending, then processing, then completed", async () => {
  simulatorOf(world).script("cityscape", { queueMs: 3_600_000 });
  const user = await world.newUser(20);
  const started = await world.generate(user, { body: requestOf(user) });
  assert.equal(started.body.status, "pending");
  await world.travel(5);
  const queued = await world.status(user, started.body.job_id);
  assert.equal(queued.body.status, "processing");
  simulatorOf(world).finish(String(simulatorOf(world).requests[0]?.id));
  const { last } = await pollEvery(world, 5, () => world.status(user, started.body.job_id));
  assert.equal(last.body.status, "completed");
});

Deno.test("testing tasks: a generation that fails later is rolled back", async () => {
  const user = await world.newUser(20);
  simulatorOf(world).script("cityscape", { outcome: "content_policy_violation" });
  const { body } = await world.generate(user, { body: requestOf(user) });
  const { last } = await pollEvery(world, 5, () => world.status(user, body.job_id));
  assert.deepEqual([last.body.status, last.body.credits_refunded], ["failed", 15]);
  assert.deepEqual(await ledgerOf(world, user, body.job_id), [
    [-15, "video_generation"],
    [15, "generation_failed_refund"],
  ]);
});

Deno.test("a failed generation that may be tried again is, with pauses that grow, and is paid for once", async () => {
  const user = await world.newUser(20);
  simulatorOf(world).script("cityscape", { outcome: "internal_server_error", times: 2 });
  const { body } = await world.generate(user, { body: requestOf(user) });
  const { last } = await pollEvery(world, 10, () => world.status(user, body.job_id));
  assert.equal(last.body.status, "completed");
  assert.deepEqual(await ledgerOf(world, user, body.job_id), [[-15, "video_generation"]]);
});

Deno.test("Option A: the video is the very file that fal made, in our Storage, and for its owner alone", async () => {
  const user = await world.newUser(20);
  const { body } = await world.generate(user, { body: requestOf(user) });
  const { last } = await pollEvery(world, 5, () => world.status(user, body.job_id));
  const made = `${simulatorOf(world).url}/files/${simulatorOf(world).requests[0]?.id}/output.mp4`;
  assert.deepEqual(await download(last.body.video_url), await download(made));
  const stranger = await world.newUser();
  assert.equal((await world.status(stranger, body.job_id)).status, 404);
});

Deno.test("Option B: fal's own URL is served, by one setting, and nothing is copied", async () => {
  await world.functions.restart({ VIDEO_STORAGE: "provider" });
  try {
    const user = await world.newUser(20);
    const { body } = await world.generate(user, { body: requestOf(user) });
    const { last } = await pollEvery(world, 5, () => world.status(user, body.job_id));
    await thumbnailEnded(world, body.job_id);
    const [run, frame] = simulatorOf(world).requests;
    assert.equal(last.body.video_url, `${simulatorOf(world).url}/files/${run?.id}/output.mp4`);
    const { thumbnail_url } = (await world.status(user, body.job_id)).body;
    assert.equal(thumbnail_url, `${simulatorOf(world).url}/files/${frame?.id}/frame.jpg`);
    await assertFilm(last.body.video_url);
    assert.equal((await world.sql`select from storage.objects where name like ${`%${body.job_id}%`}`).length, 0);
  } finally {
    await world.functions.restart({ VIDEO_STORAGE: "supabase" });
  }
});
