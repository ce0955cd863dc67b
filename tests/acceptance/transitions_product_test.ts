// A transitions product: from two images to a video, request by request. What it has in another form:
// - the base is /functions/v1 instead of /api; the token behind `Authorization: Token` is the user's JWT;
// - `transition_id` and `generated_transition_id` are one number: one row is both here;
// - the sentence behind "Failed to process video: " is one of the catalogue, in the caller's language;
// - added fields: credits in the first answer and the result, `subtitles_url` and `skipped_extras` in the result, `error_code`
//   and `credits_refunded` in the failure.
import assert from "node:assert/strict";
import { INSTANT, simulatorOf } from "../support/generation.ts";
import { type Answer, type TestUser, until } from "../support/harness.ts";
import { assertFilm, assertJpeg, creditsOf, pollEvery, useProductWorld } from "../support/products.ts";
import { ENDPOINTS, resultOf } from "../support/transition.ts";
import { thumbnailEnded } from "../support/thumbnail.ts";
import { TRANSITION } from "../support/transitions-client.ts";

/** Five seconds, and the music. */
const PRICE = 6;

const world = useProductWorld({ falSimulator: INSTANT });

function withToken(user: TestUser, path: string, body?: unknown): Promise<Answer> {
  const headers = { Authorization: `Token ${user.token}` };
  return world.call(path, { method: body === undefined ? "GET" : "POST", headers, body });
}

const create = (user: TestUser, body: unknown = TRANSITION) =>
  withToken(user, "transitions/create-and-generate/", body);
const check = (user: TestUser, taskId: unknown) => withToken(user, `transitions/task-status/${taskId}/`);
const isReady = ({ body }: Answer) => body.ready === true;

/** Polls every two seconds, as `pollTaskStatus` does. */
function poll(user: TestUser, taskId: unknown): Promise<{ seen: Answer[]; last: Answer }> {
  return pollEvery(world, 2, () => check(user, taskId), isReady);
}

Deno.test("steps 1 and 2: started, PENDING, PROCESSING, SUCCESS, with the product's fields in each", async () => {
  const user = await world.newUser(20);
  simulatorOf(world).configure({ latencyMs: 1000 });
  const started = await create(user);
  const { task_id } = started.body;
  assert.equal(started.status, 202);
  assert.deepEqual(started.body, {
    task_id,
    status: "pending",
    message: "Transition creation and video generation started",
    credits_used: PRICE,
    credits_remaining: 20 - PRICE,
  });
  assert.match(String(task_id), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

  const first = await check(user, task_id);
  assert.deepEqual([first.status, first.body], [200, { task_id, state: "PENDING", ready: false, info: null }]);
  simulatorOf(world).configure({ latencyMs: 0 });
  await until("it is submitted", async () => (await check(user, task_id)).body.state === "PROCESSING");

  const { seen, last } = await poll(user, task_id);
  for (const { body } of seen.slice(0, -1)) {
    const { info, ...rest } = body;
    assert.deepEqual(rest, { task_id, state: "PROCESSING", ready: false });
    assert.ok(typeof info === "object" && info !== null && "current" in info && "total" in info && "status" in info);
    assert.ok(Number.isInteger(info.current) && info.total === 100, JSON.stringify(info));
    assert.match(String(info.status), /^[A-Z].+\.\.\.$/);
  }

  const { result: _, ...rest } = last.body;
  assert.deepEqual(rest, { task_id, state: "SUCCESS", ready: true });
  const result = resultOf(last);
  assert.ok(Number.isInteger(result.transition_id) && Number.isInteger(result.generated_transition_id));
  assert.deepEqual([result.duration, result.status], [5, "completed"]);
  assert.match(String(result.created_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  await assertFilm(result.video_url);
  await thumbnailEnded(world, task_id);
  await assertJpeg((await world.status(user, task_id)).body.thumbnail_url);
  assert.equal(await creditsOf(world, user), 20 - PRICE);
  await world.audit();
});

/** The run that makes the picture, after the sound. */
const picture = () => simulatorOf(world).requests.find(({ endpoint }) => endpoint === ENDPOINTS.generate);

Deno.test("everything that the request asks for is in the video: the move, the music, the subtitles, no voice", async () => {
  const user = await world.newUser(20);
  const { body } = await create(user);
  const { last } = await poll(user, body.task_id);
  const runs = simulatorOf(world).requests;
  assert.deepEqual(runs.map(({ endpoint }) => endpoint), [
    ENDPOINTS.music,
    ENDPOINTS.loudness,
    ENDPOINTS.generate,
    ENDPOINTS.mix,
  ]);
  const [music, , picture] = runs;
  assert.deepEqual([picture?.input.start_image_url, picture?.input.end_image_url, picture?.input.duration], [
    TRANSITION.front_image,
    TRANSITION.tail_image,
    "5",
  ]);
  assert.match(String(picture?.input.prompt), /^Dynamic video transition .*energetic/);
  assert.match(String(music?.input.prompt), /ambient/);
  assert.equal(music?.input.seconds_total, 5);
  const subtitles = await (await fetch(String(resultOf(last).subtitles_url))).text();
  assert.match(subtitles, /^WEBVTT\n[^]*00:00:00\.000 --> 00:00:02\.500 .*\nFirst subtitle\n$/);
});

Deno.test("with burn_in the subtitles are in the picture too, and what is delivered is that picture", async () => {
  const user = await world.newUser(20);
  const { body } = await create(user, { ...TRANSITION, burn_in: true });
  assert.equal(body.credits_used, PRICE + 1);
  const { last } = await poll(user, body.task_id);
  const result = resultOf(last);
  const drawn = simulatorOf(world).requests.filter(({ endpoint }) => endpoint === ENDPOINTS.subtitles);
  assert.deepEqual(drawn.map(({ input }) => input.srt_content), [
    "1\n00:00:00,000 --> 00:00:02,500\nFirst subtitle\n",
  ]);
  assert.equal(drawn[0]?.calls.file, 1, "the drawn picture is what was copied");
  await assertFilm(result.video_url);
  assert.match(await (await fetch(String(result.subtitles_url))).text(), /First subtitle/);
  assert.equal(await creditsOf(world, user), 20 - PRICE - 1);
  await world.audit();
});

Deno.test("the code example's own type, in small letters, is the same transition", async () => {
  const user = await world.newUser(20);
  const { status, body } = await create(user, { ...TRANSITION, transition_type: "energetic" });
  assert.equal(status, 202);
  assert.equal((await poll(user, body.task_id)).last.body.state, "SUCCESS");
  assert.match(String(picture()?.input.prompt), /energetic/);
});

Deno.test("the timeline: within thirty polls, a minute, it is SUCCESS, and stays it", async () => {
  const user = await world.newUser(20);
  const { body } = await create(user);
  const { seen, last } = await poll(user, body.task_id);
  assert.ok(seen.length <= 30, `${seen.length} polls`);
  assert.equal(last.body.state, "SUCCESS");
  assert.equal((await check(user, body.task_id)).body.state, "SUCCESS");
});

Deno.test("scenario 1: a task that fails ends in FAILURE with the sentence that the client throws, and is refunded", async () => {
  const user = await world.newUser(20);
  simulatorOf(world).script({ endpoint: ENDPOINTS.generate }, { outcome: "unsupported_image_format" });
  const { body } = await create(user);
  const { last } = await poll(user, body.task_id);
  assert.deepEqual(last.body, {
    task_id: body.task_id,
    state: "FAILURE",
    ready: true,
    error: "Failed to process video: The model refused the image: use another picture, or another size or format",
    error_code: "image_rejected",
    credits_refunded: PRICE,
  });
  assert.equal(await creditsOf(world, user), 20);
  await world.audit();
});

Deno.test("scenario 1: what fails in the music fails the task too, in full", async () => {
  const user = await world.newUser(20);
  simulatorOf(world).script({ endpoint: ENDPOINTS.music }, { outcome: "content_policy_violation" });
  const { body } = await create(user);
  const { last } = await poll(user, body.task_id);
  assert.deepEqual([last.body.state, last.body.error_code], ["FAILURE", "content_policy"]);
  assert.equal(await creditsOf(world, user), 20);
});

Deno.test("scenario 2: a client that gives up after 150 polls loses nothing: the task goes on and is there", async () => {
  const user = await world.newUser(20);
  simulatorOf(world).script({ endpoint: ENDPOINTS.generate }, { outcome: "hang" });
  const { body } = await create(user);
  await assert.rejects(poll(user, body.task_id), /The client gave up/);
  assert.equal((await check(user, body.task_id)).body.state, "PROCESSING");
  simulatorOf(world).finish(String(picture()?.id));
  await world.travel(20);
  assert.equal((await poll(user, body.task_id)).last.body.state, "SUCCESS");
});

Deno.test("scenario 3: a request that fails on the way is one poll lost, and no more", async () => {
  const user = await world.newUser(20);
  const { body } = await create(user);
  world.gateway.fail("/rest/v1/rpc/read_job", 500, 1);
  const failed = await check(user, body.task_id);
  assert.ok(failed.status >= 500, String(failed.status));
  assert.equal((await poll(user, body.task_id)).last.body.state, "SUCCESS");
});

Deno.test("resume after a refresh: the stored task_id finds the task where it is, and its end", async () => {
  const user = await world.newUser(20);
  const { task_id } = (await create(user)).body;
  await world.travel(4);
  await check(user, task_id);
  const stored = String(task_id);
  const { last } = await poll(user, stored);
  await assertFilm(resultOf(last).video_url);
});

Deno.test("manual control: without the request's key a start ten seconds later is a task of its own, with its own end", async () => {
  const user = await world.newUser(20);
  const first = await create(user);
  await world.travel(10);
  const second = await create(user);
  assert.notEqual(first.body.task_id, second.body.task_id);
  for (const { body } of [first, second]) {
    assert.equal((await poll(user, body.task_id)).last.body.state, "SUCCESS");
  }
  assert.equal(await creditsOf(world, user), 20 - 2 * PRICE);
});

Deno.test("a task is its owner's alone, and none without a token", async () => {
  const user = await world.newUser(20);
  const { body } = await create(user);
  const stranger = await world.newUser();
  assert.equal((await check(stranger, body.task_id)).status, 404);
  assert.equal((await world.call(`transitions/task-status/${body.task_id}/`, { method: "GET" })).status, 401);
  assert.equal((await world.call("transitions/create-and-generate/", { body: TRANSITION })).status, 401);
});
