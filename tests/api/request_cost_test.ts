// How many calls a request makes to the database, Storage and the providers, counted at the gateway.
import assert from "node:assert/strict";
import {
  ENDLESS,
  finishRun,
  type Generation,
  prepareGeneration,
  simulatorOf,
  startGeneration,
} from "../support/generation.ts";
import { type Answer, KLING_IMAGE, until, useWorld } from "../support/harness.ts";
import { png } from "../support/images.ts";

const world = useWorld({ falSimulator: ENDLESS });

/** The stored procedures and the Storage calls that a request led to, in order, and its calls of the provider. */
interface Cost {
  database: string[];
  storage: string[];
  submissions: number;
  checks: number;
}

/** Requests are sent one at a time, so every call at the gateway belongs to this one. */
async function costOf(send: (headers: HeadersInit) => Promise<Answer>): Promise<Cost & { answer: Answer }> {
  await world.functions.rest();
  const requestId = crypto.randomUUID();
  const before = providerCalls();
  world.gateway.clearCalls();
  const answer = await send({ "X-Request-Id": requestId });
  assert.equal(answer.headers.get("x-request-id"), requestId);
  await until(
    "the gateway has seen the request end",
    () => world.gateway.calls.some((call) => call.requestId === requestId),
  );
  const paths = world.gateway.calls.filter((call) => call.requestId !== requestId).map(({ path }) => path);
  const [database, storage] = [under("/rest/v1/rpc/", paths), under("/storage/v1/", paths)];
  assert.equal(database.length + storage.length, paths.length, `other calls among ${paths}`);
  const after = providerCalls();
  return {
    answer,
    database,
    storage,
    submissions: after.submissions - before.submissions,
    checks: after.checks - before.checks,
  };
}

const under = (prefix: string, paths: string[]) =>
  paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));

function providerCalls(): { submissions: number; checks: number } {
  const { submissions, requests } = simulatorOf(world);
  const checks = requests.reduce((sum, { calls }) => sum + calls.status + calls.result + calls.cancel + calls.file, 0);
  return { submissions, checks };
}

const statusCost = ({ user, jobId }: Generation, known: Record<string, string> = {}) =>
  costOf((headers) => world.status(user, jobId, { ...Object.fromEntries(new Headers(headers)), ...known }));

async function completed(): Promise<Generation> {
  const generation = await startGeneration(world);
  finishRun(world, generation);
  assert.equal((await generation.poll()).body.status, "completed");
  return generation;
}

Deno.test("a request for a video makes two database calls and one provider call", async () => {
  const { user, body } = await prepareGeneration(world);
  const { answer, ...cost } = await costOf((headers) => world.generate(user, { body, headers }));
  assert.equal(answer.status, 200);
  const database = ["start_generation", "record_submission"];
  assert.deepEqual(cost, { database, storage: [], submissions: 1, checks: 0 });
});

Deno.test("an uploaded image costs one check of its first bytes, and a signed address for each job", async () => {
  const user = await world.newUser();
  const { body: { image_path, upload_url } } = await world.call("uploads", {
    user,
    body: { content_type: "image/png" },
  });
  const headers = { "Content-Type": "image/png" };
  await (await fetch(String(upload_url), { method: "PUT", body: png(), headers })).body?.cancel();
  const send = () =>
    costOf((headers) =>
      world.generate(user, { headers, body: { model_id: KLING_IMAGE, prompt: "It moves", image_path } })
    );
  const [first, second] = [await send(), await send()];
  assert.deepEqual([first.answer.status, second.answer.status], [200, 200]);
  assert.deepEqual(first.database, [
    "start_generation",
    "record_checked_upload",
    "start_generation",
    "record_submission",
  ]);
  assert.deepEqual(first.storage, [`object/inputs/${image_path}`, "object/sign/inputs"]);
  assert.deepEqual([second.database, second.storage], [["start_generation", "record_submission"], [
    "object/sign/inputs",
  ]]);
});

Deno.test("a replay makes one database call and no other", async () => {
  const { user, key, body } = await startGeneration(world);
  const { answer, ...cost } = await costOf((headers) => world.generate(user, { key, body, headers }));
  assert.equal(answer.headers.get("x-idempotent-replay"), "true");
  assert.deepEqual(cost, { database: ["start_generation"], storage: [], submissions: 0, checks: 0 });
});

Deno.test("a request that the user cannot pay makes one database call and no other", async () => {
  const { user, body } = await prepareGeneration(world, { user: await world.newUser(4) });
  const { answer, ...cost } = await costOf((headers) => world.generate(user, { body, headers }));
  assert.equal(answer.status, 402);
  assert.deepEqual(cost, { database: ["start_generation"], storage: [], submissions: 0, checks: 0 });
});

for (const [what, body, status] of [["a malformed", "{", 400], ["an invalid", { prompt: "" }, 400]] as const) {
  Deno.test(`${what} request costs no call at all`, async () => {
    const user = await world.newUser();
    const { answer, ...cost } = await costOf((headers) => world.generate(user, { body, headers }));
    assert.equal(answer.status, status);
    assert.deepEqual(cost, { database: [], storage: [], submissions: 0, checks: 0 });
  });
}

Deno.test("a request without a token costs no call at all", async () => {
  const { answer, ...cost } = await costOf((headers) => world.call("generate-video", { body: {}, headers }));
  assert.equal(answer.status, 401);
  assert.deepEqual(cost, { database: [], storage: [], submissions: 0, checks: 0 });
});

Deno.test("a poll of a job that is not due makes one database call and no other, however often it is made", async () => {
  const generation = await startGeneration(world);
  for (let count = 0; count < 5; count++) {
    const { answer, ...cost } = await statusCost(generation);
    assert.equal(answer.body.status, "processing");
    assert.deepEqual(cost, { database: ["read_job"], storage: [], submissions: 0, checks: 0 });
  }
});

Deno.test("a poll of a due job makes two database calls and one provider call", async () => {
  const generation = await startGeneration(world);
  await world.travel(20);
  const { answer, ...cost } = await statusCost(generation);
  assert.equal(answer.body.status, "processing");
  assert.deepEqual(cost, { database: ["read_job", "record_progress"], storage: [], submissions: 0, checks: 1 });
});

Deno.test("polls of a completed job make one database call each, and share one call to Storage", async () => {
  const generation = await startGeneration(world);
  finishRun(world, generation);
  await world.travel(20);
  const storage: string[] = [];
  for (let count = 0; count < 4; count++) {
    const { answer, ...cost } = await statusCost(generation);
    assert.equal(answer.body.status, "completed");
    storage.push(...cost.storage.filter((path) => path.startsWith("object/sign/videos")));
    if (count > 0) assert.deepEqual(cost, { database: ["read_job"], storage: [], submissions: 0, checks: 0 });
  }
  assert.equal(storage.length, 1);
});

Deno.test("a URL that is kept is shown to nobody but the owner, and to nobody once the video is deleted", async () => {
  const generation = await completed();
  const stranger = await statusCost({ ...generation, user: await world.newUser() });
  assert.deepEqual([stranger.answer.status, stranger.storage], [404, []]);
  assert.equal((await world.status(generation.user, generation.jobId)).status, 200);
  await world.call("videos", { method: "DELETE", user: generation.user, body: { job_ids: [generation.jobId] } });
  const deleted = await statusCost(generation);
  assert.deepEqual([deleted.answer.status, deleted.answer.body.video_url, deleted.storage], [404, undefined, []]);
});

Deno.test("a poll answered 304 makes one database call and no other, running or completed", async () => {
  for (const generation of [await startGeneration(world), await completed()]) {
    const { headers } = await world.status(generation.user, generation.jobId);
    const { answer, ...cost } = await statusCost(generation, { "If-None-Match": headers.get("etag") ?? "" });
    assert.equal(answer.status, 304);
    assert.deepEqual(cost, { database: ["read_job"], storage: [], submissions: 0, checks: 0 });
  }
});

Deno.test("a poll of another user's job makes one database call and no other", async () => {
  const generation = await startGeneration(world);
  const { answer, ...cost } = await statusCost({ ...generation, user: await world.newUser() });
  assert.equal(answer.status, 404);
  assert.deepEqual(cost, { database: ["read_job"], storage: [], submissions: 0, checks: 0 });
});
