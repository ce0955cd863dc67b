// The answers of POST /transitions/create-and-generate/ and GET /transitions/task-status/{task_id}/.
import assert from "node:assert/strict";
import { z } from "zod";
import { download, INSTANT, simulatorOf, startGeneration } from "../support/generation.ts";
import { KLING, useWorld } from "../support/harness.ts";
import { assertRefusal } from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";
import {
  assertDelivered,
  assertFailed,
  PLAIN,
  postTransition,
  resultOf,
  startTransition,
  submitted,
  taskStatus,
  WHOLE,
} from "../support/transition.ts";

const VEO_TRANSITION = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000f";

const world = useWorld({ falSimulator: { ...INSTANT, runMs: 3_600_000 } });

Deno.test.beforeEach(() => simulatorOf(world).clear());

function finishAll(): void {
  simulatorOf(world).configure({ runMs: 0 });
  for (const { id, completedAt } of simulatorOf(world).requests) {
    if (completedAt === null) simulatorOf(world).finish(id);
  }
}

Deno.test("a transition goes from PENDING to PROCESSING to SUCCESS, each with exactly its fields", async () => {
  const user = await world.newUser();
  simulatorOf(world).configure({ latencyMs: 1000 });
  const started = await postTransition(world, user, PLAIN);
  assert.deepEqual([started.status, started.body], [202, {
    task_id: started.body.task_id,
    status: "pending",
    credits_used: 5,
    credits_remaining: 95,
    message: "Transition creation and video generation started",
  }]);
  const task_id = started.body.task_id;
  const pending = await taskStatus(world, user, task_id);
  assert.deepEqual([pending.status, pending.body], [200, { task_id, state: "PENDING", ready: false, info: null }]);
  assert.equal(pending.headers.get("retry-after"), "2");

  simulatorOf(world).configure({ latencyMs: 0 });
  await world.functions.rest();
  const seen = await taskStatus(world, user, task_id);
  const processing = { task_id, state: "PROCESSING", ready: false };
  const queued = { current: 0, total: 100, status: "Waiting in the queue..." };
  assert.deepEqual(seen.body, { ...processing, info: queued });
  await world.travel(20);
  const running = await taskStatus(world, user, task_id);
  // A sixth of the step's typical time has gone by.
  const current = z.object({ current: z.int().min(10).max(20) }).parse(running.body.info);
  assert.deepEqual(running.body, {
    ...processing,
    info: { ...current, total: 100, status: "Processing frames..." },
  });

  finishAll();
  await world.travel(20);
  const { body } = await taskStatus(world, user, task_id);
  const { video_url, created_at, transition_id, ...rest } = resultOf({ ...running, body });
  assert.deepEqual([body.task_id, body.state, body.ready, Object.keys(body).length], [task_id, "SUCCESS", true, 4]);
  assert.deepEqual(rest, {
    generated_transition_id: transition_id,
    thumbnail_url: null,
    subtitles_url: null,
    duration: 5,
    status: "completed",
    skipped_extras: [],
    credits_used: 5,
    credits_refunded: 0,
  });
  assert.equal(typeof transition_id, "number");
  assert.match(String(created_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok((await download(video_url)).length > 10_000);
  await world.audit();
});

Deno.test("a transition that fails is FAILURE, with its sentence, and refunded", async () => {
  const transition = await startTransition(world, { body: PLAIN });
  simulatorOf(world).fail(String(transition.runs()[0]?.id), "unsupported_image_format");
  const end = await transition.poll();
  await assertFailed(world, transition, end, "image_rejected", 5);
  assert.match(String(end.body.error), /^Failed to process video: The model refused the image/);
});

for (const base of ["transitions", "transitions/api/transitions"]) {
  for (const scheme of ["Token", "token", "Bearer"]) {
    for (const slash of ["", "/"]) {
      Deno.test(`a task is started and read at ${base} with ${scheme} and a path that ends in "${slash}"`, async () => {
        const user = await world.newUser();
        const headers = { Authorization: `${scheme} ${user.token}` };
        const started = await world.call(`${base}/create-and-generate${slash}`, { headers, body: PLAIN });
        assert.equal(started.status, 202, JSON.stringify(started.body));
        const path = `${base}/task-status/${started.body.task_id}${slash}`;
        const read = await world.call(path, { method: "GET", headers });
        assert.deepEqual([read.status, read.body.task_id], [200, started.body.task_id]);
      });
    }
  }
}

for (
  const path of ["api", "api/transitions", "api/create-and-generate", "api/transitions/api/transitions/task-status/1"]
) {
  Deno.test(`there is nothing at transitions/${path}`, async () => {
    const answer = await world.call(`transitions/${path}`, { user: await world.newUser(), body: PLAIN });
    assertRefusal(answer, {
      status: 404,
      code: "not_found",
      error: "There is nothing at this path: check its spelling",
    });
  });
}

for (const authorization of ["", "Token", "Token x.y.z", "Basic dTpw", "Token a b"]) {
  Deno.test(`"${authorization}" is no authorization`, async () => {
    const headers = authorization === "" ? {} : { Authorization: authorization };
    const answer = await world.call("transitions/create-and-generate/", { headers, body: PLAIN });
    assertRefusal(answer, { status: 401, code: "unauthorized", error: "Unauthorized" });
  });
}

Deno.test("the task of another user, of a plain generation, and an unknown one get the same 404", async () => {
  const { user, taskId } = await startTransition(world, { body: PLAIN });
  const generation = await startGeneration(world, { user });
  const stranger = await world.newUser();
  const answers = await Promise.all([
    taskStatus(world, stranger, taskId),
    taskStatus(world, user, generation.jobId),
    taskStatus(world, user, crypto.randomUUID()),
    taskStatus(world, user, "not-a-uuid"),
  ]);
  for (const answer of answers) {
    assertRefusal(answer, { status: 404, code: "job_not_found", error: "Job not found" });
  }
});

for (
  const [method, path, allow] of [
    ["GET", "create-and-generate/", "POST, OPTIONS"],
    ["GET", "batch-create-and-generate/", "POST, OPTIONS"],
    ["POST", `task-status/${crypto.randomUUID()}/`, "GET, OPTIONS"],
    ["DELETE", "create-and-generate/", "GET, POST, OPTIONS"],
  ] as const
) {
  Deno.test(`${method} ${path.replace(/[0-9a-f-]{36}/, "{task_id}")} is 405 with the allowed methods`, async () => {
    const user = await world.newUser();
    const answer = await world.call(`transitions/${path}`, { method, user });
    assertRefusal(answer, { status: 405, code: "method_not_allowed", headers: { Allow: allow } });
  });
}

Deno.test("a user who cannot pay for the extras gets their price, and the key stays free", async () => {
  const user = await world.newUser(6);
  const key = { "Idempotency-Key": crypto.randomUUID() };
  await assertChangesNothing(world, async () => {
    assertRefusal(await postTransition(world, user, WHOLE, key), {
      status: 402,
      code: "insufficient_credits",
      error: "Insufficient credits",
      fields: { current_credits: 6, required_credits: 7 },
    });
  });
  assert.equal((await postTransition(world, user, PLAIN, key)).status, 202);
  assert.equal(await world.balance(user), 1);
});

Deno.test("the tables are compared only after the background work of earlier requests has ended", async () => {
  const user = await world.newUser();
  simulatorOf(world).configure({ latencyMs: 500 });
  const { body } = await postTransition(world, user, PLAIN);
  await assertChangesNothing(world, () => submitted(world, String(body.task_id)));
});

Deno.test("a transition is read and listed as a job too, and cancelled as one", async () => {
  const transition = await startTransition(world);
  const { body } = await world.status(transition.user, transition.taskId);
  assert.deepEqual([body.kind, body.prompt, body.credits_used], ["transition", PLAIN.prompt, 7]);
  const cancelled = await world.call(`videos/${transition.taskId}/cancel`, { user: transition.user });
  assert.equal(cancelled.status, 200);
  await assertFailed(world, transition, await transition.poll(0), "cancelled");
});

Deno.test("a task that was started is found again by its id, however long its client was away", async () => {
  const transition = await startTransition(world);
  finishAll();
  await assertDelivered(world, transition, await transition.outcome());
  const { taskId, user } = transition;
  const later = resultOf(await taskStatus(world, user, taskId));
  assert.ok((await download(later.video_url)).length > 10_000);
});

Deno.test("a body that does not fit is refused with each of its issues, and keeps its key free", async () => {
  const user = await world.newUser();
  const key = { "Idempotency-Key": crypto.randomUUID() };
  const wrong = { ...PLAIN, tail_image: "http://example.com/tail.jpg", duration: 61, colour: "red" };
  await assertChangesNothing(world, async () => {
    assertRefusal(await postTransition(world, user, wrong, key), {
      status: 400,
      code: "validation_failed",
      fields: {
        issues: [
          { path: "tail_image", message: "must be a public https URL" },
          { path: "duration", message: "must be a whole number from 1 to 60" },
          { path: "colour", message: "not a field of this request" },
        ],
      },
    });
  });
  assert.equal((await postTransition(world, user, PLAIN, key)).status, 202);
});

Deno.test("a value that the model does not allow is refused with the model's own values", async () => {
  const user = await world.newUser();
  const answer = await postTransition(world, user, { ...PLAIN, model_id: VEO_TRANSITION, duration: 5 });
  assertRefusal(answer, {
    status: 400,
    code: "validation_failed",
    fields: { issues: [{ path: "duration", message: "must be one of: 4, 6, 8" }] },
  });
});

Deno.test("what does not fit into the length of the video is refused, each by its own name", async () => {
  const user = await world.newUser();
  const subtitles = [{ startTime: 0, endTime: 5, text: "In time" }, { startTime: 4, endTime: 5.1, text: "Late" }];
  const body = {
    ...PLAIN,
    enable_voiceover: true,
    voiceover_text: "😀".repeat(101),
    enable_subtitles: true,
    subtitles,
  };
  assertRefusal(await postTransition(world, user, body), {
    status: 400,
    code: "validation_failed",
    fields: {
      issues: [
        { path: "voiceover_text", message: "must be at most 100 characters for a video of 5 seconds" },
        { path: "subtitles.1.endTime", message: "must not be after the end of the video" },
      ],
    },
  });
  const fitting = { ...body, voiceover_text: "😀".repeat(100), subtitles: subtitles.slice(0, 1) };
  assert.equal((await postTransition(world, user, fitting)).status, 202);
});

Deno.test("a model that makes no transitions, or is unknown, is 404", async () => {
  const user = await world.newUser();
  for (const model_id of [KLING, crypto.randomUUID()]) {
    assertRefusal(await postTransition(world, user, { ...PLAIN, model_id }), { status: 404, code: "model_not_found" });
  }
});

Deno.test("POST /generate-video with a transition's model names this endpoint", async () => {
  const user = await world.newUser();
  const body = { model_id: VEO_TRANSITION, prompt: PLAIN.prompt, image_url: PLAIN.front_image };
  assertRefusal(await world.generate(user, { body }), {
    status: 400,
    code: "validation_failed",
    fields: {
      issues: [{
        path: "tail_image",
        message: "required by this model: use POST /transitions/create-and-generate/",
      }],
    },
  });
});

for (const name of ["music", "voiceover"]) {
  Deno.test(`while ${name} is not available a transition with it is refused, and one without it is made`, async () => {
    const user = await world.newUser();
    await world.sql`update pipeline_steps set is_available = false where name = ${name}`;
    try {
      assertRefusal(await postTransition(world, user, WHOLE), {
        status: 400,
        code: "validation_failed",
        fields: {
          issues: [{ path: `enable_${name}`, message: "must be false: it is not available at the moment" }],
        },
      });
      assert.equal((await postTransition(world, user, { ...WHOLE, [`enable_${name}`]: false })).status, 202);
    } finally {
      await world.sql`update pipeline_steps set is_available = true where name = ${name}`;
    }
  });
}
