// The own client of a mobile app (../support/mobile-client.ts), with nothing changed but the project's address, its key and
// the user's token.
import assert from "node:assert/strict";
import { INSTANT, simulatorOf } from "../support/generation.ts";
import { KLING, type TestUser, until } from "../support/harness.ts";
import { assertFilm, assertJpeg, creditsOf, useProductWorld } from "../support/products.ts";
import { AppError, MobileClient, type VideoRow } from "../support/mobile-client.ts";
import { thumbnailEnded } from "../support/thumbnail.ts";

const world = useProductWorld({ falSimulator: INSTANT });

// The Supabase client's timers and its socket end a moment after the channel was removed.
const untidy = { sanitizeOps: false, sanitizeResources: false };

const REQUEST = {
  model_id: KLING,
  prompt: "A glowing cityscape at night",
  settings: { duration: 4, resolution: "720p", aspect_ratio: "16:9" },
};

function appOf({ token }: TestUser, supabaseUrl = world.url): MobileClient {
  const wait = (milliseconds: number) => world.travel(milliseconds / 1000);
  return new MobileClient({ supabaseUrl, publishableKey: world.publishableKey, token, wait });
}

/** The error that the app decodes. */
async function errorOf(work: Promise<unknown>): Promise<AppError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("The app showed no error");
}

Deno.test("a tap: charged, polled after 5, 10, 20 seconds and so on, played, and in the history", async () => {
  const user = await world.newUser(10);
  const app = appOf(user);
  simulatorOf(world).script("cityscape", { outcome: "hang" });
  const { isReplay, job_id, ...started } = await app.generateVideo(REQUEST);
  assert.deepEqual(started, { status: "pending", credits_used: 4, credits_remaining: 6 });
  assert.equal(isReplay, false);

  const pauses: number[] = [];
  const job = await app.pollStatus(job_id, (pause) => {
    pauses.push(pause);
    if (pauses.length === 4) simulatorOf(world).finish(String(simulatorOf(world).requests[0]?.id));
  });
  assert.deepEqual(pauses.slice(0, 4), [5000, 10_000, 20_000, 20_000]);
  assert.equal(job.job_id, job_id);
  await assertFilm(job.video_url);
  await thumbnailEnded(world, job_id);
  await assertJpeg((await app.pollStatus(job_id)).thumbnail_url);
  assert.ok(Date.parse(String(job.completed_at)) >= Date.parse(job.created_at));

  const [row] = await app.history();
  assert.deepEqual([row?.job_id, row?.user_id, row?.status, row?.credits_used], [job_id, user.id, "completed", 4]);
  assert.deepEqual([row?.prompt, row?.model_id, row?.error_message], [REQUEST.prompt, KLING, null]);
  assert.equal(await creditsOf(world, user), 6);
});

Deno.test("the plan's request, with the user's id, 15 seconds and 30 frames a second, is taken as it is", async () => {
  const user = await world.newUser(20);
  const app = appOf(user);
  const settings = { duration: 15, resolution: "720p", fps: 30 };
  const { job_id } = await app.generateVideo({ user_id: user.id, model_id: KLING, prompt: REQUEST.prompt, settings });
  await assertFilm((await app.pollStatus(job_id)).video_url);
});

Deno.test("a retry with the same key is told to be a replay, and is charged nothing", async () => {
  const user = await world.newUser(10);
  const app = appOf(user);
  const key = crypto.randomUUID().toUpperCase();
  const first = await app.generateVideo(REQUEST, key);
  const retry = await app.generateVideo(REQUEST, key);
  assert.deepEqual(retry, { ...first, isReplay: true });
  assert.equal(await creditsOf(world, user), 6);
});

Deno.test("a tap whose answer is lost is a network error, and its retry finds the one job", async () => {
  const user = await world.newUser(10);
  const app = appOf(user);
  const key = crypto.randomUUID().toUpperCase();
  // More than once, since the client's own connection may ask again.
  world.gateway.fail("/functions/v1/generate-video", "drop-reply");
  assert.equal((await errorOf(app.generateVideo(REQUEST, key))).kind, "networkError");
  world.gateway.clearFaults();
  const { isReplay, job_id } = await app.generateVideo(REQUEST, key);
  assert.equal(isReplay, true);
  assert.deepEqual((await app.history()).map((row) => row.job_id), [job_id]);
  assert.equal(await creditsOf(world, user), 6);
});

Deno.test("each error is decoded as the app's own", async () => {
  const user = await world.newUser(2);
  const app = appOf(user);
  const poor = await errorOf(app.generateVideo(REQUEST));
  assert.deepEqual([poor.kind, poor.message], ["insufficientCredits", "Insufficient credits"]);
  assert.deepEqual([poor.details.current_credits, poor.details.required_credits], [2, 4]);

  const unknownModel = await errorOf(app.generateVideo({ ...REQUEST, model_id: crypto.randomUUID() }));
  assert.deepEqual([unknownModel.kind, unknownModel.message], ["notFound", "Model not found"]);
  const unknownJob = await errorOf(app.getVideoStatus(crypto.randomUUID()));
  assert.deepEqual([unknownJob.kind, unknownJob.message], ["notFound", "Job not found"]);
  const keyless = await errorOf(app.generateVideo(REQUEST, ""));
  assert.deepEqual([keyless.kind, keyless.details.code], ["unknownError", "idempotency_key_invalid"]);
  const signedOut = await errorOf(appOf({ ...user, token: "expired" }).generateVideo(REQUEST));
  assert.deepEqual([signedOut.kind, signedOut.message], ["unauthorized", "Unauthorized"]);
  assert.equal((await errorOf(appOf(user, "http://127.0.0.1:1").generateVideo(REQUEST))).kind, "networkError");
});

Deno.test("a provider that fails is an error of the tap, and the credits are back", async () => {
  const user = await world.newUser(10);
  simulatorOf(world).configure({ submit: "503" });
  const error = await errorOf(appOf(user).generateVideo(REQUEST));
  assert.deepEqual([error.kind, error.message], ["unknownError", "Provider API failed"]);
  assert.equal(await creditsOf(world, user), 10);
  const [row] = await appOf(user).history();
  assert.equal(row?.status, "failed");
  assert.ok(row?.error_message);
});

Deno.test("a video that fails while the app polls is shown as failed, and refunded", async () => {
  const user = await world.newUser(10);
  simulatorOf(world).script("cityscape", { outcome: "content_policy_violation" });
  const { job_id } = await appOf(user).generateVideo(REQUEST);
  assert.equal((await errorOf(appOf(user).pollStatus(job_id))).kind, "videoGenerationFailed");
  assert.equal(await creditsOf(world, user), 10);
});

Deno.test(
  "the later phase: each change is pushed by postgres_changes, and none of another user's",
  untidy,
  async () => {
    const [user, stranger] = [await world.newUser(10), await world.newUser(10)];
    const [app, other] = [appOf(user), appOf(stranger)];
    const [rows, theirs]: [VideoRow[], VideoRow[]] = [[], []];
    const stops = [
      await app.onChange(user.id, (row) => rows.push(row)),
      await other.onChange(user.id, (row) => theirs.push(row)),
    ];
    try {
      const { job_id } = await app.generateVideo(REQUEST);
      await app.pollStatus(job_id);
      await until("the end was pushed", () => rows.some(({ status }) => status === "completed"));
      assert.ok(rows.every((row) => row.job_id === job_id && row.user_id === user.id && row.prompt === REQUEST.prompt));
      assert.deepEqual([...new Set(rows.map(({ status }) => status))], ["pending", "processing", "completed"]);
      assert.ok(rows.at(-1)?.completed_at);
      assert.deepEqual(theirs, []);
    } finally {
      for (const stop of stops) await stop();
    }
  },
);
