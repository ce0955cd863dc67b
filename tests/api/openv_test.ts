// POST openv/api/runpod: what it takes, what it answers, and that it charges as every other route does.
import assert from "node:assert/strict";
import { z } from "zod";
import { INSTANT } from "../support/generation.ts";
import { type Answer, useWorld } from "../support/harness.ts";
import { BODY, create, list, PRICE, WAN } from "../support/openv.ts";
import { assertRefusal } from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld({ falSimulator: INSTANT, runpodSimulator: { queueMs: 0, runMs: 3_600_000 } });

function inputOf(answer: Answer): unknown {
  return world.runpodSimulator?.requests.findLast(({ input }) => input.positive_prompt === answer.body.prompt)?.input;
}

Deno.test("a video is answered in full, and its settings reach the worker as they were sent", async () => {
  const user = await world.newUser(20);
  const settings = { negative_prompt: "dogs", width: 480, height: 640, seed: 7, steps: 9, cfg: 4.5, num_frames: 33 };
  const prompt = `A cat ${crypto.randomUUID()}`;
  const answer = await create(world, user, {
    ...BODY,
    frames: 33,
    prompt,
    input: { positive_prompt: prompt, ...settings },
  });
  const { id, jobId, createdAt } = answer.body;
  assert.deepEqual([answer.status, answer.body], [200, {
    id,
    jobId,
    userId: user.id,
    prompt,
    status: "queued",
    frames: 33,
    createdAt,
    updatedAt: createdAt,
    creditsUsed: PRICE,
    creditsRemaining: 20 - PRICE,
  }]);
  assert.deepEqual(inputOf(answer), { positive_prompt: prompt, ...settings });
  const { videos: [video] } = await list(world, user);
  assert.deepEqual(video, {
    id,
    jobId,
    userId: user.id,
    prompt,
    status: "processing",
    frames: 33,
    createdAt,
    updatedAt: video?.updatedAt,
    modelId: "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000d",
    progress: 0,
    attempts: 1,
    creditsUsed: PRICE,
    creditsRefunded: 0,
  });
});

Deno.test("a failed video says why", async () => {
  const user = await world.newUser(20);
  const { body } = await create(world, user);
  await world.sql`select fail_job(${String(body.jobId)}, 1, 'content_policy', 'x')`;
  const { videos: [video] } = await list(world, user);
  assert.deepEqual(
    [video?.status, video?.errorCode, video?.creditsRefunded, "url" in (video ?? {})],
    ["failed", "content_policy", PRICE, false],
  );
  assert.match(String(video?.errorMessage), /^.{10,}$/);
});

Deno.test("what RunPod refuses is refunded, and answered as by POST generate-video", async () => {
  const user = await world.newUser(20);
  const prompt = "A cat [runpod: submit_404]";
  const body = { ...BODY, prompt, input: { ...BODY.input, positive_prompt: prompt } };
  const answer = await create(world, user, body);
  assertRefusal(answer, { status: 500, code: "provider_failed", fields: { credits_refunded: PRICE } });
  const again = await create(world, user, body);
  assertRefusal(again, { status: 500, code: "provider_failed", fields: { credits_refunded: PRICE } });
  assert.notEqual(again.body.job_id, answer.body.job_id, "Without a key a failure is no answer to the next try");
  assert.equal(await world.balance(user), 20);
  assert.equal((await list(world, user)).videos[0]?.status, "failed");
});

for (const modelName of [WAN, WAN.toUpperCase(), "your-endpoint-id"]) {
  Deno.test(`modelName ${modelName} is the model of that name or of that endpoint`, async () => {
    const user = await world.newUser(20);
    assert.equal((await create(world, user, { ...BODY, modelName })).status, 200);
    assert.equal((await list(world, user)).videos[0]?.modelId, "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000d");
  });
}

Deno.test("a name that no available model has is 404, and no other model is taken instead", async () => {
  const user = await world.newUser(20);
  for (const modelName of ["mochi", "Sora 2", "%", "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000d"]) {
    await assertChangesNothing(world, async () => {
      assertRefusal(await create(world, user, { ...BODY, modelName }), { status: 404, code: "model_not_found" });
    });
  }
});

Deno.test("`input` decides: a prompt and frames beside it that differ are not used, and need not be there", async () => {
  const user = await world.newUser(20);
  const positive_prompt = `A cat, cinematic, ${crypto.randomUUID()}`;
  const input = { positive_prompt, num_frames: 17, seed: null };
  const answer = await create(world, user, { prompt: "A cat", modelName: WAN, frames: 81, input });
  assert.deepEqual([answer.body.prompt, answer.body.frames], [positive_prompt, 17]);
  assert.equal(z.object({ num_frames: z.number() }).parse(inputOf(answer)).num_frames, 17);
  assert.equal((await create(world, user, { modelName: WAN, input: { ...input, seed: 1 } })).status, 200);
});

const WRONG: [change: Record<string, unknown>, path: string][] = [
  [{ modelName: undefined }, "modelName"],
  [{ input: undefined }, "input"],
  [{ input: { num_frames: 81 } }, "input.positive_prompt"],
  [{ input: { positive_prompt: "A cat" } }, "input.num_frames"],
  [{ input: { ...BODY.input, colour: "red" } }, "input.colour"],
  [{ input: { ...BODY.input, cfg: "5" } }, "input.cfg"],
  [{ input: { ...BODY.input, num_frames: 82 } }, "input.num_frames"],
  [{ input: { ...BODY.input, width: 1 } }, "input.width"],
  [{ prompt: "" }, "prompt"],
  [{ prompt: "\0" }, "prompt"],
  [{ user_id: "x" }, "user_id"],
];

for (const [change, path] of WRONG) {
  Deno.test(`${JSON.stringify(change)} is 400 and names ${path}`, async () => {
    const user = await world.newUser(20);
    const answer = await assertChangesNothing(world, () => create(world, user, { ...BODY, ...change }));
    assertRefusal(answer, { status: 400, code: "validation_failed" });
    assert.deepEqual(z.array(z.object({ path: z.string() })).parse(answer.body.issues).map((one) => one.path), [path]);
  });
}

Deno.test("a price above maxCredits or above the balance is refused, and nothing is charged or sent", async () => {
  const user = await world.newUser(PRICE - 1);
  await assertChangesNothing(world, async () => {
    assertRefusal(await create(world, user, { ...BODY, maxCredits: 4 }), { status: 409, code: "price_changed" });
    assertRefusal(await create(world, user), { status: 402, code: "insufficient_credits" });
  });
});

Deno.test("ten copies of a request at once without a key are one video and one charge, for ten seconds", async () => {
  const user = await world.newUser(20);
  const before = world.runpodSimulator?.submissions ?? 0;
  const answers = await Promise.all(Array.from({ length: 10 }, () => create(world, user)));
  assert.deepEqual(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`)).size, 1);
  assert.equal(answers.filter(({ headers }) => headers.get("x-idempotent-replay") === null).length, 1);
  assert.equal(await world.balance(user), 20 - PRICE);
  await world.travel(10);
  const later = await create(world, user);
  assert.notEqual(later.body.jobId, answers[0]?.body.jobId);
  assert.deepEqual([await world.balance(user), world.runpodSimulator?.submissions], [20 - 2 * PRICE, before + 2]);
  await world.audit();
});

Deno.test("a key is bound to its request for longer, and another request with it is 422", async () => {
  const user = await world.newUser(20);
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const first = await create(world, user, BODY, headers);
  await world.travel(3600);
  const replay = await create(world, user, BODY, headers);
  assert.deepEqual([replay.status, replay.body], [200, first.body]);
  assert.equal(replay.headers.get("x-idempotent-replay"), "true");
  for (const change of [{ frames: 49 }, { input: { ...BODY.input, seed: 1 } }, { modelName: "your-endpoint-id" }]) {
    assertRefusal(await create(world, user, { ...BODY, ...change }, headers), {
      status: 422,
      code: "idempotency_key_reused",
    });
  }
  assertRefusal(await world.generate(user, { key: headers["Idempotency-Key"] }), {
    status: 422,
    code: "idempotency_key_reused",
  });
  assert.equal(await world.balance(user), 20 - PRICE);
});

Deno.test("whoever deletes a video and asks for the same again gets another one at once", async () => {
  const user = await world.newUser(20);
  const { body: { jobId } } = await create(world, user);
  const removed = await world.call("openv/api/videos", { method: "DELETE", user, body: { jobIds: [jobId] } });
  assert.deepEqual([removed.status, removed.body], [200, { deleted: [jobId], notFound: [] }]);
  const again = await create(world, user);
  assert.deepEqual([again.status, again.headers.get("x-idempotent-replay")], [200, null]);
  assert.notEqual(again.body.jobId, jobId);
  assert.equal(await world.balance(user), 20 - PRICE);
  await world.audit();
});

Deno.test("a replay of a key whose video was deleted is 404, without a charge", async () => {
  const user = await world.newUser(20);
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const { body: { jobId } } = await create(world, user, BODY, headers);
  await world.call("openv/api/videos", { method: "DELETE", user, body: { jobIds: [jobId] } });
  assertRefusal(await create(world, user, BODY, headers), { status: 404, code: "job_not_found" });
  assert.equal(await world.balance(user), 20);
});

Deno.test("a path or method that is not OpenV's is refused", async () => {
  const user = await world.newUser();
  for (const path of ["openv", "openv/api", "openv/videos", "openv/api/videos/x", "openv/api/runpod/webhook/x"]) {
    assertRefusal(await world.call(path, { user, body: BODY }), { status: 404, code: "not_found" });
  }
  for (
    const [method, path, allow] of [
      ["POST", "openv/api/videos", "GET, DELETE, OPTIONS"],
      ["GET", "openv/api/runpod", "POST, OPTIONS"],
      ["GET", "openv/api/runpod/webhook", "POST, OPTIONS"],
    ] as const
  ) {
    const answer = await world.call(path, { method, user });
    assertRefusal(answer, { status: 405, code: "method_not_allowed", headers: { Allow: allow } });
  }
});
