// OpenV's own front end (../support/openv-front-end.ts), with nothing changed but base URL and token.
// tests/acceptance/openv_test.ts has the same product in our own words.
import assert from "node:assert/strict";
import { INSTANT } from "../support/generation.ts";
import { type TestUser, until } from "../support/harness.ts";
import { FrontEnd, INPUT, type Video, videoSchema } from "../support/openv-front-end.ts";
import { assertFilm, creditsOf, ledgerOf, useProductWorld } from "../support/products.ts";
import { assertNothingLeft } from "../support/transition.ts";

const PRICE = 5;
const MAX_ATTEMPTS = 4;
const POLL_SECONDS = 20;

/** The operator's name for the endpoint's model, as OpenV's clients send it. */
const MODEL = "wan";
const ENDPOINT_TOKEN = "a-token-of-the-operator";

const world = useProductWorld({ webhooks: true, falSimulator: INSTANT, runpodSimulator: { queueMs: 0, runMs: 0 } });

Deno.test.beforeAll(async () => {
  await world.sql`update models set name = ${MODEL} where provider_model_id = 'your-endpoint-id'`;
  await world.functions.restart({ RUNPOD_WEBHOOK_TOKEN: ENDPOINT_TOKEN });
});

/** How far the tests have moved the database's clock; the browser's clock goes with it. */
let travelledMs = 0;

async function wait(seconds: number): Promise<void> {
  // A submission is recorded after its answer, long before this time is over.
  await world.functions.backgroundRest();
  await world.travel(seconds);
  travelledMs += seconds * 1000;
}

/** A page that a new user has opened. The browser's clock may be wrong by some milliseconds. */
async function openPage(clockErrorMs = 0): Promise<{ user: TestUser; page: FrontEnd }> {
  const user = await world.newUser(20);
  const clock = () => Date.now() + travelledMs + clockErrorMs;
  const page = new FrontEnd(`${world.url}/functions/v1/openv`, user.token, clock, MODEL);
  await page.load();
  assert.deepEqual(page.videos, []);
  return { user, page };
}

/** Lets time pass as on the page: the worker's timer goes on meanwhile. */
async function pollUntilOver(page: FrontEnd, jobId: string): Promise<Video> {
  for (let count = 0; count < 100; count++) {
    await wait(POLL_SECONDS);
    await world.tick();
    await page.poll();
    const video = page.find(jobId);
    if (video.status === "completed" || video.status === "failed") return video;
  }
  throw new Error(`The page waits for ${jobId} in vain:\n${world.functions.log.slice(-20).join("\n")}`);
}

/** A prompt of its own, so that its runs are found, with words for the simulator. */
function promptOf(words = ""): string {
  return `A cat in the rain ${crypto.randomUUID()}${words === "" ? "" : ` [runpod: ${words}]`}`;
}

function runsOf(prompt: string) {
  return world.runpodSimulator?.requests.filter(({ input }) => input.positive_prompt === prompt) ?? [];
}

async function statusOf(jobId: string): Promise<unknown> {
  const [job] = await world.sql`select status from video_jobs where job_id = ${jobId}`;
  return job?.status;
}

Deno.test("submitted, made by RunPod, told by its webhook, polled, shown, deleted", async () => {
  const { user, page } = await openPage();
  const prompt = promptOf();
  const submitted = await page.submit(prompt);
  const { id, jobId, createdAt } = submitted;
  assert.ok(Number.isInteger(id) && id > 0);
  assert.ok(Math.abs(Date.parse(createdAt) - Date.now() - travelledMs) < 60_000, createdAt);
  assert.deepEqual(
    videoSchema.strip().parse(submitted),
    { id, jobId, userId: user.id, prompt, status: "queued", frames: 81, createdAt, updatedAt: createdAt },
  );
  assert.equal(await creditsOf(world, user), 20 - PRICE);

  await until("the webhook has brought the video", async () => await statusOf(jobId) === "completed");
  const [run] = runsOf(prompt);
  assert.deepEqual([run?.endpoint, run?.input], ["your-endpoint-id", { positive_prompt: prompt, ...INPUT }]);
  await wait(POLL_SECONDS);
  await page.poll();
  const shown = page.find(jobId);
  assert.deepEqual(
    { ...shown, url: null, updatedAt: null },
    { ...submitted, status: "completed", url: null, updatedAt: null },
  );
  assert.ok(Date.parse(shown.updatedAt) >= Date.parse(createdAt));
  await assertFilm(shown.url);
  await wait(POLL_SECONDS);
  await page.poll();
  assert.equal(page.polls, 1, "the page does not poll while nothing is made");

  const again = new FrontEnd(`${world.url}/functions/v1/openv`, user.token, Date.now, MODEL);
  await again.load();
  assert.deepEqual(again.videos.map(({ url: _, ...video }) => video), [(({ url: _, ...video }) => video)(shown)]);

  await page.remove([jobId]);
  assert.deepEqual(page.videos, []);
  await again.load();
  assert.deepEqual(again.videos, []);
  await assertNothingLeft(world, jobId);
  travelledMs += 301_000;
  assert.deepEqual(await ledgerOf(world, user, jobId), [[-PRICE, "video_generation"]]);
  await world.audit();
});

Deno.test("a double tap is one video and one charge, and the same wish later is another", async () => {
  const { user, page } = await openPage();
  const prompt = promptOf("run=1h");
  const taps = await Promise.all([page.submit(prompt), page.submit(prompt)]);
  assert.deepEqual(taps[0], taps[1]);
  assert.equal(page.videos.length, 1);
  await wait(10);
  assert.notEqual((await page.submit(prompt)).jobId, taps[0]?.jobId);
  assert.deepEqual([runsOf(prompt).length, await creditsOf(world, user)], [2, 20 - 2 * PRICE]);
});

Deno.test("a failure that may be retried is submitted again by itself, for one charge", async () => {
  const { user, page } = await openPage();
  const prompt = promptOf("failed times=2");
  const { jobId } = await page.submit(prompt);
  const video = await pollUntilOver(page, jobId);
  assert.equal(video.status, "completed");
  await assertFilm(video.url);
  assert.equal(runsOf(prompt).length, 3);
  assert.deepEqual(await ledgerOf(world, user, jobId), [[-PRICE, "video_generation"]]);
});

Deno.test("a failure that always comes again ends after a limited number of attempts, shown and refunded", async () => {
  const { user, page } = await openPage();
  const prompt = promptOf("failed");
  const { jobId } = await page.submit(prompt);
  const video = await pollUntilOver(page, jobId);
  assert.deepEqual([video.status, video.url], ["failed", undefined]);
  assert.equal(runsOf(prompt).length, MAX_ATTEMPTS);
  assert.equal(await creditsOf(world, user), 20);
  await world.audit();
});

Deno.test("a lost webhook costs time and nothing else", async () => {
  const { user, page } = await openPage();
  const { jobId } = await page.submit(promptOf("webhook_none"));
  const video = await pollUntilOver(page, jobId);
  assert.equal(video.status, "completed");
  await assertFilm(video.url);
  assert.deepEqual(await ledgerOf(world, user, jobId), [[-PRICE, "video_generation"]]);
});

Deno.test("an endpoint that reports to the address that it was given at RunPod wakes its job", async () => {
  const { page } = await openPage();
  const prompt = promptOf("run=1h webhook_none");
  const { jobId } = await page.submit(prompt);
  const run = runsOf(prompt)[0];
  // This webhook names the run alone, so it is known once the submission is recorded: after the answer.
  await world.functions.backgroundRest();
  world.runpodSimulator?.finish(String(run?.id));
  const response = await fetch(`${world.url}/functions/v1/openv/api/runpod/webhook?token=${ENDPOINT_TOKEN}`, {
    method: "POST",
    body: JSON.stringify({ id: run?.id, status: "COMPLETED", output: { video_url: "https://evil.example/a.mp4" } }),
  });
  assert.deepEqual([response.status, await response.json()], [200, { received: true }]);
  await until("the webhook has brought the video", async () => await statusOf(jobId) === "completed");
  await page.load();
  await assertFilm(page.find(jobId).url);
});

for (
  const [what, clockErrorMs] of [["right", 0], ["ten minutes fast", 600_000], ["ten minutes slow", -600_000]] as const
) {
  Deno.test(`a page whose clock is ${what} misses no change, and merges what comes twice`, async () => {
    const { user, page } = await openPage(clockErrorMs);
    const prompts = [promptOf("run=1h"), promptOf("run=1h")];
    const videos = [await page.submit(prompts[0] ?? ""), await page.submit(prompts[1] ?? "")];
    await wait(POLL_SECONDS);
    await page.poll();
    assert.deepEqual(page.videos.map(({ status }) => status), ["processing", "processing"]);
    world.runpodSimulator?.finish(String(runsOf(prompts[0] ?? "")[0]?.id));
    const finished = videos[0]?.jobId ?? "";
    await until("the webhook has brought the video", async () => await statusOf(finished) === "completed");
    await wait(POLL_SECONDS);
    await page.poll();
    assert.deepEqual(page.videos.map(({ status }) => status), ["processing", "completed"]);
    await page.remove(videos.map(({ jobId }) => jobId));
    assert.deepEqual(page.videos, []);
    assert.equal(await creditsOf(world, user), 20 - PRICE);
    await world.audit();
  });
}

Deno.test("a user sees and deletes no videos of another, and nobody sees any without a token", async () => {
  const { page } = await openPage();
  const { jobId } = await page.submit(promptOf("run=1h"));
  const { page: stranger } = await openPage();
  await stranger.remove([jobId]);
  await page.load();
  assert.equal(page.find(jobId).status, "processing");
  const nobody = new FrontEnd(`${world.url}/functions/v1/openv`, "", Date.now, MODEL);
  await assert.rejects(nobody.load(), /401 Unauthorized/);
  await assert.rejects(nobody.submit("A cat"), /401 Unauthorized/);
  await assert.rejects(nobody.remove([jobId]), /401 Unauthorized/);
});
