// From a prompt to a playable video. These tests run under the local and under the hosted version of Deno.
import assert from "node:assert/strict";
import { z } from "zod";
import { download, finishRun, type Generation, PRICE, simulatorOf, startGeneration } from "../generation.ts";
import type { Answer, World } from "../harness.ts";

const isoTime = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);

/** Every field of a job in docs/api.md, and no other. */
const jobSchema = z.strictObject({
  job_id: z.guid(),
  id: z.int(),
  user_id: z.guid(),
  kind: z.literal("generation"),
  status: z.enum(["pending", "processing", "completed", "failed"]),
  video_url: z.url().nullable(),
  thumbnail_url: z.url().nullable(),
  subtitles_url: z.null(),
  skipped_extras: z.array(z.string()),
  created_at: isoTime,
  completed_at: isoTime.nullable(),
  prompt: z.string(),
  model_id: z.guid(),
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  node_id: z.string().nullable(),
  credits_used: z.int(),
  credits_refunded: z.int(),
  error_message: z.string().nullable(),
  attempts: z.int().min(1),
  provider: z.strictObject({ name: z.string(), model: z.string(), request_id: z.string().nullable() }),
  error_code: z.string().nullable(),
  progress: z.strictObject({
    percent: z.int().min(0).max(100),
    stage: z.string(),
    step: z.int(),
    steps: z.int(),
    step_name: z.string(),
    queue_position: z.int().nullable(),
  }),
  updated_at: isoTime,
  poll_after_ms: z.int().nullable(),
});

const progressOf = (answer: Answer) => jobSchema.parse(answer.body).progress;

/** The runs of the simulator must end only when a test ends them (`ENDLESS`). */
export function testWholeFlow(world: World): void {
  async function completed(): Promise<Generation & { end: Answer }> {
    const generation = await startGeneration(world, { user: await world.newUser(20) });
    finishRun(world, generation);
    return { ...generation, end: await generation.poll() };
  }

  Deno.test("a prompt is answered at once with its job, its price and the credits that are left", async () => {
    const { answer, jobId, user } = await startGeneration(world, { user: await world.newUser(20) });
    assert.equal(answer.status, 200);
    assert.match(jobId, /^[0-9a-f-]{36}$/);
    assert.deepEqual(answer.body, { job_id: jobId, status: "pending", credits_used: PRICE, credits_remaining: 15 });
    assert.equal(await world.balance(user), 15);
    assert.match(answer.headers.get("server-timing") ?? "", /auth;dur=.+db;dur=.+provider;dur=/);
  });

  Deno.test("a poll of a running job shows its progress and when to poll again", async () => {
    const { poll } = await startGeneration(world);
    const running = await poll();
    const job = jobSchema.parse(running.body);
    assert.equal(running.status, 200);
    assert.deepEqual([job.status, job.progress.stage, job.video_url], ["processing", "generating", null]);
    assert.deepEqual([job.progress.step, job.progress.steps, job.completed_at], [1, 1, null]);
    assert.ok(job.progress.percent > 0 && job.progress.percent < 90, `${job.progress.percent} percent`);
    assert.equal(job.poll_after_ms, 15_000);
    assert.equal(running.headers.get("retry-after"), "15");
  });

  Deno.test("the pause between polls is long at first, short near the usual end, and then long again", async () => {
    // The usual run of this model takes two minutes, as its row says.
    await world.sql`delete from private.run_times`;
    const { poll } = await startGeneration(world);
    for (
      const [seconds, least, most] of [
        [0, 2000, 2500],
        [5, 5000, 8000],
        [55, 15_000, 15_000],
        [50, 3000, 6000],
        [8, 400, 1200],
        [600, 15_000, 15_000],
      ] as const
    ) {
      const pause = Number((await poll(seconds)).body.poll_after_ms);
      assert.ok(pause >= least && pause <= most, `${seconds} seconds later: ${pause} ms`);
    }
  });

  Deno.test("a job that waits behind another shows its place in the queue", async () => {
    const simulator = simulatorOf(world);
    simulator.configure({ concurrency: simulator.requests.filter(({ state }) => state === "IN_PROGRESS").length + 1 });
    const first = await startGeneration(world);
    const second = await startGeneration(world);
    const waiting = progressOf(await second.poll());
    assert.deepEqual([waiting.stage, waiting.percent], ["queued", 0]);
    assert.equal(typeof waiting.queue_position, "number");
    finishRun(world, first);
    const running = progressOf(await second.poll());
    assert.deepEqual([running.stage, running.queue_position], ["generating", null]);
    simulator.configure({ concurrency: 100 });
  });

  Deno.test("the percentage never falls, stays below the end while the run lasts, and ends at 100", async () => {
    const generation = await startGeneration(world);
    const seen = [];
    for (let count = 0; count < 12; count++) seen.push(progressOf(await generation.poll(60)).percent);
    assert.ok((seen.at(-1) ?? 0) < 95, `${seen.at(-1)} percent of a run that goes on`);
    finishRun(world, generation);
    seen.push(progressOf(await generation.poll()).percent);
    assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
    assert.ok(new Set(seen).size > 5, `hardly any movement: ${seen}`);
    assert.equal(seen.at(-1), 100);
  });

  Deno.test("a finished job shows every field of docs/api.md, its times in UTC", async () => {
    const { end, jobId, body } = await completed();
    const job = jobSchema.parse(end.body);
    assert.deepEqual([job.job_id, job.status, job.prompt, job.model_id], [
      jobId,
      "completed",
      body.prompt,
      body.model_id,
    ]);
    const settings = { duration: 5, resolution: "720p", aspect_ratio: "16:9", fps: 30, generate_audio: true };
    assert.deepEqual(job.settings, settings);
    const { percent, stage, step, steps, step_name, queue_position } = job.progress;
    assert.deepEqual([percent, stage, step, steps, step_name, queue_position], [
      100,
      "completed",
      1,
      1,
      "generate",
      null,
    ]);
    assert.deepEqual([job.credits_used, job.credits_refunded, job.error_code, job.error_message], [5, 0, null, null]);
    assert.ok(job.completed_at !== null && job.completed_at > job.created_at && job.updated_at >= job.completed_at);
    assert.deepEqual([job.poll_after_ms, end.headers.get("retry-after")], [null, null]);
  });

  Deno.test("the video that a user downloads is an MP4, byte for byte what the provider made", async () => {
    const { end, runs } = await completed();
    const bytes = await download(end.body.video_url);
    assert.equal(new TextDecoder().decode(bytes.subarray(4, 8)), "ftyp");
    assert.ok(String(end.body.video_url).startsWith(`${world.url}/storage/v1/object/sign/videos/`));
    assert.deepEqual(bytes, await download(`${simulatorOf(world).url}/files/${runs()[0]?.id}/output.mp4`));
  });

  Deno.test("a player can ask for a part of the video", async () => {
    const { end } = await completed();
    const whole = await download(end.body.video_url);
    const part = await fetch(String(end.body.video_url), { headers: { Range: "bytes=4-11" } });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get("content-range"), `bytes 4-11/${whole.length}`);
    assert.deepEqual(new Uint8Array(await part.arrayBuffer()), whole.subarray(4, 12));
  });

  Deno.test("each read of a finished job has a signed URL that works", async () => {
    const { user, jobId } = await completed();
    for (let count = 0; count < 2; count++) await download((await world.status(user, jobId)).body.video_url);
  });

  Deno.test("the file lies at videos/{user_id}/{job_id}.mp4, and cannot be read without a signature", async () => {
    const { user, jobId } = await completed();
    const path = `${user.id}/${jobId}.mp4`;
    const files = await world.sql`select bucket_id, name from storage.objects where name like ${`${user.id}/%`}`;
    assert.deepEqual(files.map(({ bucket_id, name }) => [bucket_id, name]), [["videos", path]]);
    for (const place of ["public/", "", "authenticated/"]) {
      const response = await fetch(`${world.url}/storage/v1/object/${place}videos/${path}`);
      await response.body?.cancel();
      assert.ok(response.status >= 400, `${place}: ${response.status}`);
    }
  });

  Deno.test("a delivered video is paid for with exactly one charge", async () => {
    const { user, jobId, poll } = await completed();
    for (let count = 0; count < 3; count++) await poll();
    const ledger = await world.sql`select change, reason, balance_after from quota_log where job_id = ${jobId}`;
    assert.deepEqual([...ledger], [{ change: -PRICE, reason: "video_generation", balance_after: 15 }]);
    assert.equal(await world.balance(user), 15);
    await world.audit();
  });

  Deno.test("a node shows the newest of its jobs", async () => {
    const user = await world.newUser();
    const other = await startGeneration(world, { user, body: { node_id: "node-2" } });
    const shown = [];
    for (let count = 0; count < 2; count++) {
      const { jobId } = await startGeneration(world, { user, body: { node_id: "node-1" } });
      const { body } = await world.call("get-video-status?node_id=node-1", { method: "GET", user });
      shown.push(body.job_id === jobId && body.node_id === "node-1");
    }
    assert.deepEqual(shown, [true, true]);
    const { body } = await world.call("get-video-status?node_id=node-2", { method: "GET", user });
    assert.equal(body.job_id, other.jobId);
  });

  Deno.test("a client that has the newest state gets 304 without a body, and 200 after a change", async () => {
    const generation = await startGeneration(world);
    const running = await generation.poll();
    const known = { "If-None-Match": running.headers.get("etag") ?? "" };
    const again = await world.status(generation.user, generation.jobId, known);
    assert.deepEqual([again.status, again.body], [304, {}]);
    assert.match(again.headers.get("retry-after") ?? "", /^\d+$/, "the pace changes while the job does not");
    assert.equal(again.headers.get("etag"), known["If-None-Match"]);

    finishRun(world, generation);
    await world.travel(20);
    const changed = await world.status(generation.user, generation.jobId, known);
    assert.deepEqual([changed.status, changed.body.status], [200, "completed"]);
    const final = { "If-None-Match": changed.headers.get("etag") ?? "" };
    assert.equal((await world.status(generation.user, generation.jobId, final)).status, 304);
  });
}
