// OpenV: its front end, with an endpoint of its own at RunPod, its webhooks, its list and its deletion.
// What it has in another form (routes and names are snake_case, Clerk is Supabase Auth):
// - POST /api/runpod is POST /generate-video: `prompt` and `input.positive_prompt` are one `prompt`, `modelName` is
//   `model_id`, `frames` and `input.num_frames` are `settings.num_frames`, the rest of `input` is in `settings`;
// - POST /api/runpod/webhook is POST /provider-webhook/runpod, protected by a token of each job's own;
// - GET /api/videos is GET /videos: `{ videos: […] }` with `job_id`, `user_id`, `video_url`, `created_at`, `updated_at`,
//   and the frames within `settings`; `id` is the number that it was; the status "queued" is `pending`;
// - DELETE /api/videos is DELETE /videos, which takes `jobIds` too.
import assert from "node:assert/strict";
import { z } from "zod";
import { INSTANT } from "../support/generation.ts";
import { type Answer, type TestUser, until } from "../support/harness.ts";
import { assertFilm, assertJpeg, creditsOf, ledgerOf, pollEvery, useProductWorld } from "../support/products.ts";
import { assertNothingLeft } from "../support/transition.ts";
import { thumbnailEnded } from "../support/thumbnail.ts";

const WAN = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000d";
const PRICE = 5;
const MAX_ATTEMPTS = 4;

const world = useProductWorld({ webhooks: true, falSimulator: INSTANT, runpodSimulator: { queueMs: 0, runMs: 0 } });

const SETTINGS = { negative_prompt: "blurry", width: 832, height: 480, seed: 42, steps: 20, cfg: 5, num_frames: 81 };

/** A unique prompt, so that its runs at the simulator are found; with words for the simulator. */
function submit(user: TestUser, words = "", key = crypto.randomUUID()): Promise<Answer> {
  const prompt = `A cat in the rain ${key}${words === "" ? "" : ` [runpod: ${words}]`}`;
  return world.generate(user, { key, body: { model_id: WAN, prompt, settings: SETTINGS } });
}

function runsOf(prompt: unknown) {
  return world.runpodSimulator?.requests.filter(({ input }) => input.positive_prompt === prompt) ?? [];
}

const videoSchema = z.object({
  id: z.int().positive(),
  job_id: z.guid(),
  user_id: z.guid(),
  prompt: z.string(),
  status: z.enum(["pending", "processing", "completed", "failed"]),
  video_url: z.url().nullable(),
  settings: z.object({ num_frames: z.int() }),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});

async function list(user: TestUser, query = ""): Promise<{ videos: unknown[]; since: number }> {
  const { status, body } = await world.call(`videos${query}`, { method: "GET", user });
  assert.equal(status, 200, JSON.stringify(body));
  return { videos: z.array(z.unknown()).parse(body.videos), since: z.number().parse(body.server_time_ms) };
}

async function videoOf(user: TestUser): Promise<z.infer<typeof videoSchema>> {
  return videoSchema.parse((await list(user)).videos[0]);
}

function remove(user: TestUser, jobIds: unknown[]): Promise<Answer> {
  return world.call("videos", { method: "DELETE", user, body: { jobIds } });
}

/** Waits for what a webhook brings about, without a poll or a tick. */
async function becomes(jobId: unknown, status: string): Promise<void> {
  await until(`the video is ${status}`, async () => {
    const [job] = await world.sql`select status from video_jobs where job_id = ${String(jobId)}`;
    return job?.status === status;
  });
}

Deno.test("the flow: submitted, run by RunPod, woken by its webhook, polled, shown, deleted", async () => {
  const user = await world.newUser(20);
  const { status, body } = await submit(user);
  assert.deepEqual([status, body.status, body.credits_used, body.credits_remaining], [200, "pending", PRICE, 15]);

  await becomes(body.job_id, "completed");
  const video = await videoOf(user);
  assert.deepEqual([video.job_id, video.user_id, video.status, video.settings.num_frames], [
    body.job_id,
    user.id,
    "completed",
    81,
  ]);
  const [run] = runsOf(video.prompt);
  assert.deepEqual([run?.endpoint, run?.input], ["your-endpoint-id", { positive_prompt: video.prompt, ...SETTINGS }]);
  assert.equal(run?.webhooks[0]?.status, 200);
  await assertFilm(video.video_url);
  await thumbnailEnded(world, body.job_id);
  await assertJpeg((await world.status(user, body.job_id)).body.thumbnail_url);

  const deleted = await remove(user, [body.job_id]);
  assert.deepEqual([deleted.status, deleted.body], [200, { deleted: [body.job_id], not_found: [] }]);
  assert.deepEqual((await list(user)).videos, []);
  await assertNothingLeft(world, String(body.job_id));
  const file = await fetch(String(video.video_url));
  await file.body?.cancel();
  assert.ok(file.status >= 400);
  assert.deepEqual(await ledgerOf(world, user, body.job_id), [[-PRICE, "video_generation"]]);
  await world.audit();
});

Deno.test("a request needs a prompt and the number of frames, and no more", async () => {
  const user = await world.newUser(20);
  const prompt = `A cat ${crypto.randomUUID()}`;
  const { body } = await world.generate(user, { body: { model_id: WAN, prompt, settings: { num_frames: 49 } } });
  await becomes(body.job_id, "completed");
  const { seed: _, ...defaults } = SETTINGS;
  assert.deepEqual(runsOf(prompt)[0]?.input, {
    positive_prompt: prompt,
    ...defaults,
    negative_prompt: "",
    num_frames: 49,
  });
});

Deno.test("the list: all at first, then every twenty seconds what has changed since, deletions among it", async () => {
  const user = await world.newUser(20);
  const kept = (await submit(user, "run=1h")).body.job_id;
  const dropped = (await submit(user, "run=1h")).body.job_id;
  await world.travel(1);
  const first = await list(user);
  assert.deepEqual(first.videos.map((video) => videoSchema.parse(video).job_id), [dropped, kept]);
  assert.ok(first.videos.map((video) => videoSchema.parse(video)).every(({ video_url }) => video_url === null));

  assert.deepEqual((await list(user, `?updatedSince=${first.since}`)).videos, []);
  const run = runsOf(videoSchema.parse(first.videos[1]).prompt)[0];
  world.runpodSimulator?.finish(String(run?.id));
  await becomes(kept, "completed");
  // Its thumbnail is a change too: it would stand after the deletion.
  await thumbnailEnded(world, kept);
  await remove(user, [dropped]);
  await world.travel(20);
  const changes = await list(user, `?updatedSince=${first.since}`);
  assert.equal(videoSchema.parse(changes.videos[0]).status, "completed");
  assert.equal(z.object({ job_id: z.string(), deleted_at: z.iso.datetime() }).parse(changes.videos[1]).job_id, dropped);
  assert.equal(changes.videos.length, 2);
  assert.deepEqual((await list(user, `?updatedSince=${changes.since}`)).videos, []);
});

Deno.test("a failure that may be retried is submitted again by itself, for one charge", async () => {
  const user = await world.newUser(20);
  const { body } = await submit(user, "failed times=2");
  const { last } = await pollEvery(world, 20, () => world.status(user, body.job_id));
  assert.equal(last.body.status, "completed");
  assert.equal(runsOf(last.body.prompt).length, 3);
  assert.deepEqual(await ledgerOf(world, user, body.job_id), [[-PRICE, "video_generation"]]);
});

Deno.test("a failure that always comes again is retried a limited number of times, then shown to the user and refunded", async () => {
  const user = await world.newUser(20);
  const { body } = await submit(user, "failed");
  const { last } = await pollEvery(world, 20, () => world.status(user, body.job_id));
  assert.deepEqual([last.body.status, last.body.error_code], ["failed", "provider_error"]);
  assert.ok(String(last.body.error_message).length > 10);
  assert.equal(runsOf(last.body.prompt).length, MAX_ATTEMPTS);
  assert.equal(await creditsOf(world, user), 20);
  await world.audit();
});

Deno.test("a failure that no retry can cure is not retried", async () => {
  const user = await world.newUser(20);
  const { body } = await submit(user, "nsfw");
  await becomes(body.job_id, "failed");
  const { last } = await pollEvery(world, 20, () => world.status(user, body.job_id));
  assert.deepEqual([last.body.error_code, runsOf(last.body.prompt).length], ["content_policy", 1]);
  assert.equal(await creditsOf(world, user), 20);
});

Deno.test("the webhook's route needs no user, but its own token", async () => {
  const user = await world.newUser(20);
  const { body } = await submit(user, "run=1h");
  const [run] = runsOf((await videoOf(user)).prompt);
  const address = String(run?.webhook);
  assert.ok(address.startsWith(`${world.url}/functions/v1/provider-webhook/runpod?`));
  const report = JSON.stringify({
    id: run?.id,
    status: "COMPLETED",
    output: { video_url: "https://evil.example/a.mp4" },
  });
  const post = async (url: string) => {
    const response = await fetch(url, { method: "POST", body: report });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await post(address.replace(/token=[^&]+/, `token=${"A".repeat(43)}`)), 401);
  assert.equal(await post(address.replace(/[?&]token=[^&]+/, "")), 401);
  // With its token it only wakes the job: what happened is read from RunPod, where it still runs.
  assert.equal(await post(address), 200);
  const { status, video_url } = (await world.status(user, body.job_id)).body;
  assert.deepEqual([status, video_url], ["processing", null]);
});

Deno.test("the other routes need a token, and show nothing to another user", async () => {
  const user = await world.newUser(20);
  const { body } = await submit(user);
  await becomes(body.job_id, "completed");
  const stranger = await world.newUser(20);
  assert.equal((await world.call("videos", { method: "GET" })).status, 401);
  assert.equal((await world.call("videos", { method: "DELETE", body: { jobIds: [body.job_id] } })).status, 401);
  assert.deepEqual((await list(stranger)).videos, []);
  const removed = await remove(stranger, [body.job_id]);
  assert.deepEqual(removed.body, { deleted: [], not_found: [body.job_id] });
  assert.equal((await world.status(user, body.job_id)).body.status, "completed");
});

Deno.test("a video deleted while RunPod makes it is stopped there, and refunded", async () => {
  const user = await world.newUser(20);
  const { body } = await submit(user, "run=1h");
  const { prompt } = await videoOf(user);
  await remove(user, [body.job_id]);
  await until("RunPod has the cancellation", () => runsOf(prompt)[0]?.state === "CANCELLED");
  await assertNothingLeft(world, String(body.job_id));
  assert.equal(await creditsOf(world, user), 20);
  await world.audit();
});

Deno.test("the limits of a user are checked before anything is charged or sent", async () => {
  const user = await world.newUser(PRICE - 1);
  const before = world.runpodSimulator?.submissions;
  assert.equal((await submit(user)).status, 402);
  assert.equal(world.runpodSimulator?.submissions, before);
});
