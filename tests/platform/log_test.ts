import assert from "node:assert/strict";
import { z } from "zod";
import { finishRun, INSTANT, startGeneration } from "../support/generation.ts";
import { type Answer, KLING, useWorld } from "../support/harness.ts";

const world = useWorld({ falSimulator: { ...INSTANT, runMs: 3_600_000 } });

const lineSchema = z.looseObject({
  time: z.iso.datetime(),
  level: z.enum(["info", "warn", "error", "alert"]),
  event: z.string(),
  function: z.string(),
  request_id: z.string(),
});

function linesOf(jobId: string): z.infer<typeof lineSchema>[] {
  return world.functions.log.filter((line) => line.includes(jobId)).map((line) => lineSchema.parse(JSON.parse(line)));
}

Deno.test("each change of a job is one line, with its request, its job and the job's age", async () => {
  const generation = await startGeneration(world);
  finishRun(world, generation);
  assert.equal((await generation.outcome()).body.status, "completed");
  const lines = linesOf(generation.jobId).filter(({ event }) => event !== "request");
  assert.deepEqual(lines.map(({ event }) => event), [
    "job_created",
    "submission_accepted",
    "step_finished",
    "video_stored",
    "job_completed",
  ]);
  assert.ok(lines.every((line) => line.job_id === generation.jobId));
  assert.ok(lines.slice(1).every((line) => typeof line.age_ms === "number"));
});

/** The line that each request ends with. */
function requestLine(answer: Answer): z.infer<typeof lineSchema> | undefined {
  const id = answer.headers.get("x-request-id") ?? "none";
  return world.functions.log.filter((line) => line.includes(id)).map((line) => lineSchema.parse(JSON.parse(line)))
    .find(({ event }) => event === "request");
}

Deno.test("the line of a request says whose it was, about which job, and with which error it was answered", async () => {
  const user = await world.newUser(20);
  const started = await world.generate(user, { key: "log" });
  const job_id = started.body.job_id;
  const about = (answer: Answer) => {
    const line = requestLine(answer);
    return { status: line?.status, code: line?.code, user_id: line?.user_id, job_id: line?.job_id };
  };
  const code = undefined;
  assert.deepEqual(about(started), { status: 200, code, user_id: user.id, job_id });
  assert.deepEqual(about(await world.generate(user, { key: "log" })), { status: 200, code, user_id: user.id, job_id });
  assert.deepEqual(about(await world.status(user, job_id)), { status: 200, code, user_id: user.id, job_id });
  const cancelled = await world.call(`videos/${job_id}/cancel`, { user });
  assert.deepEqual(about(cancelled), { status: 200, code, user_id: user.id, job_id });
  const again = await world.call(`videos/${job_id}/cancel`, { user });
  assert.deepEqual(about(again), { status: 409, code: "not_cancellable", user_id: user.id, job_id });
  const poor = await world.newUser(0);
  const refused = await world.generate(poor);
  assert.deepEqual(about(refused), {
    status: 402,
    code: "insufficient_credits",
    user_id: poor.id,
    job_id: undefined,
  });
  const stranger = await world.call("videos", { method: "GET" });
  assert.deepEqual(about(stranger), { status: 401, code: "unauthorized", user_id: undefined, job_id: undefined });
});

Deno.test("the line of a request that the provider refused has the code of its answer, as has that of its replay", async () => {
  const user = await world.newUser(20);
  const body = { model_id: KLING, prompt: "[fal: submit_401]" };
  const failed = await world.generate(user, { key: "refused", body });
  const replayed = await world.generate(user, { key: "refused", body });
  for (const answer of [failed, replayed]) {
    const line = requestLine(answer);
    assert.deepEqual([line?.status, line?.code, line?.job_id], [500, "provider_failed", failed.body.job_id]);
  }
});

Deno.test("a failed job says why, and what was refunded", async () => {
  const generation = await startGeneration(world, { fal: "run=0s content_policy" });
  await generation.outcome();
  const failed = linesOf(generation.jobId).find(({ event }) => event === "job_failed");
  assert.deepEqual([failed?.code, failed?.credits_refunded], ["content_policy", 5]);
});

Deno.test("no line ever holds a token, a key, a prompt or a signed URL", async () => {
  const generation = await startGeneration(world, { body: { prompt: "a very private prompt" } });
  await generation.poll(0);
  const log = world.functions.log.join("\n");
  assert.ok(log.length > 1000);
  for (
    const secret of [generation.user.token, world.secretKey, world.publishableKey, "a very private prompt", "token="]
  ) {
    assert.ok(!log.includes(secret), secret);
  }
});
