import assert from "node:assert/strict";
import { assertRefundedOnce, ENDLESS, prepareGeneration, simulatorOf, startGeneration } from "../support/generation.ts";
import { until, useWorld } from "../support/harness.ts";

const world = useWorld({ falSimulator: ENDLESS });

const cancel = (jobId: unknown, user?: Parameters<typeof world.status>[0]) =>
  world.call(`videos/${jobId}/cancel`, { user });

Deno.test("a cancelled video is refunded at once and its run is stopped at the provider", async () => {
  const generation = await startGeneration(world);
  const answer = await cancel(generation.jobId, generation.user);
  assert.equal(answer.status, 200);
  await assertRefundedOnce(world, generation, answer, "cancelled");
  await world.functions.rest();
  assert.ok(generation.runs()[0]?.cancelled, "the run was not cancelled at the provider");
});

Deno.test("a video is cancelled in full although the provider goes on and finishes it", async () => {
  const generation = await startGeneration(world, { fal: "cancel_ignored" });
  await cancel(generation.jobId, generation.user);
  simulatorOf(world).finish(String(generation.runs()[0]?.id));
  await assertRefundedOnce(world, generation, await generation.poll(30), "cancelled");
});

Deno.test("a job whose submission has no answer yet can be cancelled", async () => {
  const generation = await startGeneration(world, { fal: "submit_bad_json" });
  assert.equal((await cancel(generation.jobId, generation.user)).status, 200);
  await assertRefundedOnce(world, generation, await generation.poll(200), "cancelled");
  assert.equal(generation.runs().length, 1);
});

Deno.test("a run that is accepted after its video was cancelled is stopped at the provider", async () => {
  const request = await prepareGeneration(world, { fal: "slow=1s" });
  const answering = request.send();
  await until("the provider has taken it", () => request.runs().length === 1);
  const [job] = await world.sql`select job_id from video_jobs where user_id = ${request.user.id}`;
  assert.equal((await cancel(job?.job_id, request.user)).status, 200);
  assert.equal((await answering).status, 200);
  await until("the run is cancelled", () => request.runs()[0]?.cancelled === true);
  assert.equal(await world.balance(request.user), 100);
});

Deno.test("cancelling from ten places at once refunds once", async () => {
  const generation = await startGeneration(world);
  const answers = await Promise.all(Array.from({ length: 10 }, () => cancel(generation.jobId, generation.user)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(9).fill(409)]);
  await assertRefundedOnce(world, generation, await generation.poll(0), "cancelled");
});

Deno.test("a finished video is not cancelled", async () => {
  const generation = await startGeneration(world);
  simulatorOf(world).finish(String(generation.runs()[0]?.id));
  assert.equal((await generation.outcome()).body.status, "completed");
  const { status, body } = await cancel(generation.jobId, generation.user);
  assert.deepEqual([status, body.code, body.status], [409, "not_cancellable", "completed"]);
  assert.deepEqual(await generation.ledger(), [-5]);
});

Deno.test("cancelling another user's video is 404, as for an unknown id, and the video goes on", async () => {
  const generation = await startGeneration(world);
  const stranger = await world.newUser();
  const theirs = await cancel(generation.jobId, stranger);
  const none = await cancel(crypto.randomUUID(), stranger);
  assert.deepEqual([theirs.status, theirs.body.code], [404, "job_not_found"]);
  assert.deepEqual({ ...theirs.body, request_id: "" }, { ...none.body, request_id: "" });
  assert.deepEqual(await generation.ledger(), [-5]);
});

Deno.test("a cancellation needs a token and a video's id", async () => {
  const generation = await startGeneration(world);
  assert.equal((await cancel(generation.jobId)).status, 401);
  assert.equal((await cancel("not-a-uuid", generation.user)).status, 404);
  assert.equal((await world.call(`videos/${generation.jobId}/explode`, { user: generation.user })).status, 404);
});
