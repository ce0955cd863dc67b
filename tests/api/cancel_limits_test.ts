// What a user may cancel, and how often: no video and its credits, and no waste of the operator's money.
import { createClient } from "@supabase/supabase-js";
import assert from "node:assert/strict";
import {
  assertPaidOnce,
  assertRefundedOnce,
  ENDLESS,
  finishRun,
  type Generation,
  simulatorOf,
  startGeneration,
} from "../support/generation.ts";
import { type Answer, KLING, type TestUser, useWorld } from "../support/harness.ts";
import { assertRefusal } from "../support/refusal.ts";
import {
  assertDelivered,
  assertFailed,
  ENDPOINTS,
  PLAIN,
  startTransition,
  WHOLE_PRICE,
} from "../support/transition.ts";

const world = useWorld({ falSimulator: ENDLESS });

/** Of a hundred jobs at a time; each test sets its own limit. */
Deno.test.beforeEach(async () => {
  simulatorOf(world).clear();
  world.gateway.clearFaults();
  await world.sql`update app_settings set cancels_after_start_per_day = 10, active_jobs_per_user = 100`;
});

const limitTo = (count: number) => world.sql`update app_settings set cancels_after_start_per_day = ${count}`;
const cancel = ({ jobId, user }: Generation) => world.call(`videos/${jobId}/cancel`, { user });
const remove = ({ jobId, user }: Generation) =>
  world.call("videos", { method: "DELETE", user, body: { job_ids: [jobId] } });

/** A job whose run is queued at the provider. */
async function queued(user?: TestUser): Promise<Generation> {
  simulatorOf(world).configure({ queueMs: 3_600_000, runMs: 3_600_000 });
  return await startGeneration(world, user === undefined ? {} : { user });
}

/** A job whose run the provider has started, which our database does not show yet. */
async function started(user?: TestUser): Promise<Generation> {
  simulatorOf(world).configure({ queueMs: 0, runMs: 3_600_000 });
  return await startGeneration(world, user === undefined ? {} : { user });
}

async function reasonOf({ jobId }: Generation): Promise<unknown> {
  const [entry] = await world.sql`select reason from quota_log where job_id = ${jobId} and change > 0`;
  return entry?.reason;
}

/** Fails if the user can read a file of the job with their own token. */
async function assertReadsNothing({ user, jobId }: Generation): Promise<void> {
  const bucket = createClient(world.url, world.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { headers: { Authorization: `Bearer ${user.token}` } },
  }).storage.from("videos");
  for (const ending of [".mp4", "_thumb.jpg", ".vtt"]) {
    const path = `${user.id}/${jobId}${ending}`;
    assert.equal((await bucket.download(path)).data, null, `${ending} was downloaded`);
    assert.equal((await bucket.createSignedUrl(path, 60)).data?.signedUrl ?? null, null, `${ending} was signed`);
  }
}

const statusCalls = ({ runs }: Generation) => runs().reduce((sum, { calls }) => sum + calls.status, 0);

/** The job's copy is in Storage, and its worker has died before it could complete the job. */
async function storedButNotCompleted(): Promise<Generation> {
  const generation = await started();
  finishRun(world, generation);
  world.gateway.fail("/rest/v1/rpc/complete_job", 500);
  await generation.poll();
  world.gateway.clearFaults();
  const [file] = await world.sql`select from storage.objects where name like ${`%${generation.jobId}%`}`;
  assert.ok(file, "it is not stored");
  return generation;
}

Deno.test("a video for nothing: a stored video cannot be cancelled, nor read before it is delivered", async () => {
  const generation = await storedButNotCompleted();
  const answer = await cancel(generation);
  assertRefusal(answer, { status: 409, code: "not_cancellable" });
  await assertReadsNothing(generation);
  assert.deepEqual(await generation.ledger(), [-5]);
  await assertPaidOnce(world, generation, await generation.poll(300));
});

Deno.test("a video for nothing: a stored video that is deleted is refunded, counted, and gone at once", async () => {
  const generation = await storedButNotCompleted();
  assert.deepEqual((await remove(generation)).body, { deleted: [generation.jobId], not_found: [] });
  const files = await world.sql`select from storage.objects where name like ${`%${generation.jobId}%`}`;
  assert.equal(files.length, 0);
  assert.equal(await reasonOf(generation), "cancelled_after_start_refund");
  await assertReadsNothing(generation);
  await world.audit();
});

Deno.test("a run that has succeeded before we have checked it is not cancelled but delivered", async () => {
  const generation = await queued();
  finishRun(world, generation);
  assertRefusal(await cancel(generation), { status: 409, code: "not_cancellable" });
  await assertPaidOnce(world, generation, await generation.poll(0));
});

Deno.test("a queued run is cancelled as often as the user wants, without a limit", async () => {
  await limitTo(1);
  const user = await world.newUser();
  for (let count = 0; count < 3; count++) {
    const generation = await queued(user);
    assert.equal((await cancel(generation)).status, 200);
    assert.equal(await reasonOf(generation), "generation_failed_refund");
  }
  assert.equal(await world.balance(user), 100);
});

Deno.test("a run that the provider has started counts, though our own view of it still says queued", async () => {
  const generation = await started();
  const [job] = await world.sql`select stage from video_jobs where job_id = ${generation.jobId}`;
  assert.equal(job?.stage, "queued");
  await assertRefundedOnce(world, generation, await cancel(generation), "cancelled");
  assert.equal(await reasonOf(generation), "cancelled_after_start_refund");
});

Deno.test("a cancellation counts when the provider cannot say whether the run has started", async () => {
  const generation = await queued();
  simulatorOf(world).configure({ outage: 503 });
  assert.equal((await cancel(generation)).status, 200);
  simulatorOf(world).configure({ outage: 0 });
  assert.equal(await reasonOf(generation), "cancelled_after_start_refund");
});

const LIMIT_HEADERS = ["retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];

function assertLimitReached(answer: Answer, limit: number): void {
  assertRefusal(answer, { status: 429, code: "cancel_limit_reached", fields: { limit } });
  const [retry, ...others] = LIMIT_HEADERS.map((name) => Number(answer.headers.get(name)));
  assert.ok(retry !== undefined && retry > 0 && retry <= 86_400, `Retry-After ${retry}`);
  assert.deepEqual(others, [limit, 0, retry]);
}

Deno.test("burning the operator's money: beyond the day's limit a started run goes on, and is delivered", async () => {
  await limitTo(2);
  const user = await world.newUser();
  for (let count = 0; count < 2; count++) assert.equal((await cancel(await started(user))).status, 200);
  const generation = await started(user);
  assertLimitReached(await cancel(generation), 2);
  assert.equal(generation.runs()[0]?.cancelled, false);
  finishRun(world, generation);
  await assertPaidOnce(world, generation, await generation.poll());
});

Deno.test("asking again and again beyond the limit costs no further call to the provider", async () => {
  await limitTo(1);
  const user = await world.newUser();
  await cancel(await started(user));
  const generation = await started(user);
  assertLimitReached(await cancel(generation), 1);
  const before = statusCalls(generation);
  for (let count = 0; count < 5; count++) assertLimitReached(await cancel(generation), 1);
  assert.equal(statusCalls(generation), before);
});

Deno.test("deleting a started job follows the same limit: beyond it the job is not deleted, and the answer says so", async () => {
  await limitTo(1);
  const user = await world.newUser();
  const first = await started(user);
  assert.deepEqual((await remove(first)).body.deleted, [first.jobId]);
  const second = await started(user);
  const third = await queued(user);
  const answer = await world.call("videos", {
    method: "DELETE",
    user,
    body: { job_ids: [second.jobId, third.jobId] },
  });
  assert.deepEqual([answer.status, answer.body], [200, {
    deleted: [third.jobId],
    not_found: [],
    not_deleted: [{ job_id: second.jobId, code: "cancel_limit_reached" }],
  }]);
  assert.equal((await second.poll(0)).body.status, "processing");
  assert.deepEqual([await first.ledger(), await second.ledger(), await third.ledger()], [[-5, 5], [-5], [-5, 5]]);
  await world.audit();
});

Deno.test("a cancelled job still counts after it is deleted, and for one day only", async () => {
  await limitTo(1);
  const user = await world.newUser();
  const first = await started(user);
  await cancel(first);
  await remove(first);
  const second = await started(user);
  assertLimitReached(await cancel(second), 1);
  await world.travel(86_401);
  await second.poll(0);
  const third = await started(user);
  assert.equal((await cancel(third)).status, 200);
});

Deno.test("a deleted account is refunded for all running jobs, however many it has cancelled", async () => {
  await limitTo(1);
  const user = await world.newUser();
  await cancel(await started(user));
  const generation = await started(user);
  assert.equal((await world.call("account", { method: "DELETE", user })).status, 200);
  assert.deepEqual(await generation.ledger(), [-5, 5]);
  await world.audit();
});

Deno.test("a provider hammered: asking to cancel a video that is made costs no call to the provider", async () => {
  simulatorOf(world).configure({ queueMs: 0, runMs: 0 });
  simulatorOf(world).script({ endpoint: ENDPOINTS.mix }, { runMs: 3_600_000 });
  const transition = await startTransition(world);
  await transition.reach("mix");
  const [mix] = transition.runsOf("mix");
  const checks = mix?.calls.status;
  for (let count = 0; count < 5; count++) {
    assertRefusal(await world.call(`videos/${transition.taskId}/cancel`, { user: transition.user }), {
      status: 409,
      code: "not_cancellable",
    });
  }
  assert.equal(mix?.calls.status, checks);
});

Deno.test("a cancellation that does not count: the attempts of a made video are not used up by asking", async () => {
  simulatorOf(world).configure({ queueMs: 0, runMs: 0 });
  simulatorOf(world).script({ endpoint: ENDPOINTS.mix }, { submit: "429", times: 3 });
  const transition = await startTransition(world);
  await transition.reach("generate");
  await transition.poll();
  for (let count = 0; count < 5; count++) {
    await world.call(`videos/${transition.taskId}/cancel`, { user: transition.user });
  }
  assert.deepEqual(await transition.ledger(), [-WHOLE_PRICE]);
  await assertDelivered(world, transition, await transition.outcome());
});

Deno.test("a storage hammered: asking to cancel a video that cannot be stored does not copy it again", async () => {
  await world.sql`update models set files_are_public = false where id = ${KLING}`;
  const generation = await started();
  finishRun(world, generation);
  world.gateway.fail("/storage/v1/object/videos", 500);
  await generation.poll();
  const copies = () =>
    world.gateway.calls.filter(({ path }) => path.startsWith("/storage/") && path.includes(generation.jobId));
  const before = copies().length;
  assert.ok(before > 0);
  for (let count = 0; count < 5; count++) await cancel(generation);
  assert.equal(copies().length, before);
  world.gateway.clearFaults();
  await assertPaidOnce(world, generation, await generation.outcome());
  await world.sql`update models set files_are_public = true where id = ${KLING}`;
});

Deno.test("a bill for the operator: a last image that is refused after paid parts is tried a limited number of times", async () => {
  await world.sql`update app_settings set refusals_after_start_per_day = 2`;
  const user = await world.newUser();
  for (let count = 0; count < 2; count++) {
    simulatorOf(world).clear();
    simulatorOf(world).configure({ queueMs: 0, runMs: 0 });
    const transition = await startTransition(world, { user, body: { ...PLAIN, duration: 16 } });
    await transition.reach("frame_1");
    simulatorOf(world).script({ endpoint: ENDPOINTS.generate }, { outcome: "image_load_error" });
    await assertFailed(world, transition, await transition.outcome(), "image_rejected", 16);
  }
  const fields = { limit: 2 };
  assertRefusal(await world.generate(user), { status: 429, code: "refusal_limit_reached", fields });
  await world.sql`update app_settings set refusals_after_start_per_day = 10`;
});
