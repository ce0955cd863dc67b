// The clients of docs/switching.md against a running `task dev`, with nothing changed but base URL and token: each goes
// through its whole flow at its own pace, all at the same time. The clients themselves check every field that the
// descriptions of their products show.
import assert from "node:assert/strict";
import { connectApi } from "../../local/cli/api.ts";
import { projectPath } from "../../local/machine/project.ts";
import { ALL_PARTS, copyProject } from "../mutations/project-copy.ts";
import { dataClient } from "../support/canvas.ts";
import { CanvasPage, nodeSchema, NotFound } from "../support/canvas-page.ts";
import { type DevProcess, startDev, untilNoted } from "../support/dev-process.ts";
import { KLING } from "../support/harness.ts";
import { AppError, MobileClient } from "../support/mobile-client.ts";
import { FrontEnd } from "../support/openv-front-end.ts";
import { assertFilm, assertJpeg } from "../support/products.ts";
import { TRANSITION, TransitionsClient } from "../support/transitions-client.ts";

const sleep = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** What a client's operator sets: where the backend is, and whose token it sends. */
interface Target {
  url: string;
  publishableKey: string;
  token: string;
}

function appOf({ url, publishableKey, token }: Target): MobileClient {
  return new MobileClient({ supabaseUrl: url, publishableKey, token, wait: sleep });
}

/** A thumbnail, which is made after its video was delivered. */
async function soonThere(read: () => Promise<string | null>): Promise<string> {
  for (let second = 0; second < 60; second++) {
    const url = await read();
    if (url !== null) return url;
    await sleep(1000);
  }
  throw new Error("There is no thumbnail");
}

const CITYSCAPE = "A glowing cityscape at night";
const FAILS = "[fal: content_policy]";

async function mobileApp(target: Target): Promise<void> {
  const app = appOf(target);
  const request = {
    model_id: KLING,
    prompt: CITYSCAPE,
    settings: { duration: 4, resolution: "720p", aspect_ratio: "16:9" },
  };
  const key = crypto.randomUUID().toUpperCase();
  const started = await app.generateVideo(request, key);
  assert.deepEqual([started.status, started.credits_used, started.credits_remaining], ["pending", 4, 16]);
  assert.deepEqual(await app.generateVideo(request, key), { ...started, isReplay: true });
  const refused = await app.generateVideo({ ...request, prompt: `${CITYSCAPE} ${FAILS}` });

  const [job] = await Promise.all([
    app.showResult(started.job_id),
    assert.rejects(app.showResult(refused.job_id), { kind: "videoGenerationFailed" }),
  ]);
  assert.equal(job.job_id, started.job_id);
  await assertFilm(job.video_url);
  await assertJpeg(await soonThere(async () => (await app.getVideoStatus(started.job_id)).thumbnail_url));
  assert.ok(Date.parse(String(job.completed_at)) >= Date.parse(job.created_at));
  const rows = await app.history();
  assert.deepEqual(rows.map((row) => [row.job_id, row.status, row.error_message === null]), [
    [refused.job_id, "failed", false],
    [started.job_id, "completed", true],
  ]);

  const long = { ...request, settings: { ...request.settings, duration: 15 } };
  const errors: [kind: string, message: string, work: () => Promise<unknown>][] = [
    ["unknownError", "Provider API failed", () => app.generateVideo({ ...request, prompt: "[fal: submit_404]" })],
    ["notFound", "Model not found", () => app.generateVideo({ ...request, model_id: crypto.randomUUID() })],
    ["notFound", "Job not found", () => app.getVideoStatus(crypto.randomUUID())],
    ["unauthorized", "Unauthorized", () => appOf({ ...target, token: "expired" }).generateVideo(request)],
    ["insufficientCredits", "Insufficient credits", () => app.generateVideo(long).then(() => app.generateVideo(long))],
  ];
  for (const [kind, message, work] of errors) await assert.rejects(work, { kind, message });
  await assert.rejects(app.generateVideo(long), (error) => {
    assert.ok(error instanceof AppError);
    assert.deepEqual([error.details.current_credits, error.details.required_credits], [1, 15]);
    return true;
  });
}

async function plannedApp(target: Target, userId: string): Promise<void> {
  const app = appOf(target);
  const settings = { duration: 15, resolution: "720p", fps: 30 };
  const key = crypto.randomUUID();
  const request = { user_id: userId, model_id: KLING, prompt: CITYSCAPE, settings };
  const started = await app.generateVideo(request, key);
  assert.deepEqual([started.status, started.credits_used], ["pending", 15]);
  assert.deepEqual(await app.generateVideo(request, key), { ...started, isReplay: true });
  await assert.rejects(app.generateVideo({ ...request, user_id: crypto.randomUUID() }), AppError);
  const refused = await app.generateVideo({
    user_id: userId,
    model_id: KLING,
    prompt: `${CITYSCAPE} ${FAILS}`,
    settings: { ...settings, duration: 5 },
  });
  const [job] = await Promise.all([
    app.pollStatus(started.job_id),
    assert.rejects(app.pollStatus(refused.job_id), { kind: "videoGenerationFailed" }),
  ]);
  await assertFilm(job.video_url);
  await assertJpeg(await soonThere(async () => (await app.getVideoStatus(started.job_id)).thumbnail_url));
}

async function openv({ url, token }: Target, userId: string): Promise<void> {
  const page = new FrontEnd(`${url}/functions/v1/openv`, token, Date.now, "Wan 2.2 (your own)");
  await page.load();
  assert.deepEqual(page.videos, []);
  const submitted = await page.submit("A cat in the rain");
  const { id, jobId, createdAt, updatedAt } = submitted;
  const video = { id, jobId, userId, prompt: "A cat in the rain", frames: 81, createdAt };
  assert.deepEqual(submitted, { ...video, status: "queued", updatedAt });
  const refused = await page.submit("A cat in the rain [runpod: nsfw]");
  const isOver = () => page.videos.every(({ status }) => status === "completed" || status === "failed");
  while (!isOver()) {
    await sleep(20_000);
    await page.poll();
  }
  const shown = page.find(jobId);
  assert.deepEqual(shown, { ...video, status: "completed", url: shown.url, updatedAt: shown.updatedAt });
  await assertFilm(shown.url);
  assert.deepEqual([page.find(refused.jobId).status, page.find(refused.jobId).url], ["failed", undefined]);

  await page.remove([jobId, refused.jobId]);
  await page.load();
  assert.deepEqual(page.videos, []);
  await untilNoted(async () => {
    const response = await fetch(String(shown.url));
    await response.body?.cancel();
    return !response.ok;
  }, () => "the file of a deleted video is still there");
}

async function canvas(target: Target): Promise<void> {
  const data = dataClient(target, target);
  const projectId = crypto.randomUUID();
  const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
  const node = { project_id: projectId, type: "video", position: { x: 0, y: 0 }, data: { title: "My video" } };
  for (
    const { error } of [
      await data.from("projects").insert({ id: projectId, name: "Waves" }),
      await data.from("nodes").insert([{ id: first, ...node }, { id: second, ...node }]),
    ]
  ) assert.equal(error, null);
  const openPage = async () => {
    const wait = (seconds: number) => sleep(seconds * 1000);
    const page = new CanvasPage(`${target.url}/functions/v1/canvas`, target.token, data, wait);
    await page.load(projectId);
    return page;
  };
  const page = await openPage();
  const request = { prompt: "Waves", resolution: "1080p", duration: 8, aspect_ratio: "16:9" };
  const image_url = "https://example.com/image.png";
  const [made, failed] = await Promise.all([
    page.clickGenerate(first, { ...request, image_url }),
    page.clickGenerate(second, { ...request, prompt: `Waves ${FAILS}` }),
  ]);
  assert.deepEqual([made.status, made.error], ["COMPLETED", null]);
  assert.deepEqual([failed.status, failed.result], ["FAILED", null]);

  const reloaded = await openPage();
  await assertFilm(made.result?.video_url);
  await assertFilm(reloaded.node(first)?.data.video_url);
  assert.deepEqual([reloaded.node(second)?.status, reloaded.node(second)?.error_message], ["failed", failed.error]);
  assert.deepEqual(await page.latestJob(first), made);
  await page.generateVideo({ node_id: second, ...request });
  const { data: rows } = await data.from("nodes").select("*").eq("id", second);
  assert.equal(nodeSchema.parse(rows?.[0]).status, "processing");
  assert.equal((await openPage()).node(second)?.status, "completed");
  await assert.rejects(page.getJob(crypto.randomUUID()), NotFound);
  await assert.rejects(page.latestJob(crypto.randomUUID()), NotFound);
}

async function transitions({ url, token }: Target): Promise<void> {
  const settings = { baseUrl: `${url}/functions/v1/transitions`, token, wait: sleep };
  const client = new TransitionsClient(settings);
  const started = await client.createAndGenerateVideo(TRANSITION);
  assert.deepEqual([started.status, started.message], [
    "pending",
    "Transition creation and video generation started",
  ]);
  const refused = await client.createAndGenerateVideo({
    ...TRANSITION,
    prompt: "Dynamic video transition [fal: unsupported_image_format]",
  });
  const states = new Set<string>();
  const [result] = await Promise.all([
    client.pollTaskStatus(started.task_id, ({ state }) => states.add(state)),
    assert.rejects(client.pollTaskStatus(refused.task_id), /^Error: Failed to process video: .{10,}/),
  ]);
  assert.ok(states.isSupersetOf(new Set(["PROCESSING", "SUCCESS"])), [...states].join());
  assert.equal(result.duration, 5);
  await assertFilm(result.video_url);
  await assertJpeg(await soonThere(async () => (await client.pollTaskStatus(started.task_id)).thumbnail_url));
  const again = await client.checkTaskStatus(started.task_id);
  assert.ok(again.state === "SUCCESS" && again.result.transition_id === result.transition_id);
  await assert.rejects(
    new TransitionsClient({ ...settings, token: "your-auth-token" }).createAndGenerateVideo(TRANSITION),
    { message: "Request failed with status 401" },
  );
}

async function withDev(work: (dev: DevProcess) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "reelmint-clients-" });
  try {
    const dev = await startDev(await copyProject(projectPath("."), parent, ALL_PARTS), {
      // Clients see no difference, and samples are there at once.
      flags: ["--credits", "200", "--media", "canned"],
    });
    try {
      await work(dev);
    } finally {
      await dev.end("SIGTERM");
    }
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

// Steps that run at the same time cannot be told apart by the sanitizers.
const untidy = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

Deno.test("the five clients on `task dev`, from the first request to the last", untidy, async (t) => {
  await withDev(async ({ announced: { url, publishable_key: publishableKey, user }, notes }) => {
    const signUp = async (name: string) => {
      const { accessToken: token } = await connectApi(url, publishableKey).signIn(`${name}@example.com`, "a password");
      const id = String(JSON.parse(atob(token.split(".")[1] ?? "")).sub);
      return { id, target: { url, publishableKey, token } };
    };
    const clients = { mobile: await signUp("mobile"), planned: await signUp("planned"), openv: await signUp("openv") };
    const rich = { url, publishableKey, token: user.access_token };
    const step = (name: string, fn: () => Promise<void>) => t.step({ name, fn, ...untidy });
    await Promise.all([
      step("a mobile app on Supabase", () => mobileApp(clients.mobile.target)),
      step("an app planned with two endpoints", () => plannedApp(clients.planned.target, clients.planned.id)),
      step("OpenV", () => openv(clients.openv.target, clients.openv.id)),
      step("a canvas", () => canvas(rich)),
      step("transitions", () => transitions(rich)),
    ]);
    assert.doesNotMatch(notes(), /"level":"(error|alert)"/);
  });
});
