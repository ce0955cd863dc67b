// The own client of a transitions product (../support/transitions-client.ts), with nothing changed but base URL and token.
import assert from "node:assert/strict";
import { INSTANT, simulatorOf } from "../support/generation.ts";
import type { TestUser } from "../support/harness.ts";
import { assertFilm, assertJpeg, creditsOf, useProductWorld } from "../support/products.ts";
import { ENDPOINTS } from "../support/transition.ts";
import { thumbnailEnded } from "../support/thumbnail.ts";
import { type TaskStatus, TRANSITION, TransitionsClient } from "../support/transitions-client.ts";

const world = useProductWorld({ falSimulator: INSTANT });

const PRICE = 6;

function clientOf({ token }: TestUser): TransitionsClient {
  const wait = (milliseconds: number) => world.travel(milliseconds / 1000);
  return new TransitionsClient({ baseUrl: `${world.url}/functions/v1/transitions`, token, wait });
}

/** The states that a callback saw, each once. */
function statesIn(seen: TaskStatus[]): string[] {
  return [...new Set(seen.map(({ state }) => state))];
}

Deno.test("start, poll every two seconds, handle each state, and have the result with all its fields", async () => {
  const user = await world.newUser(20);
  const client = clientOf(user);
  simulatorOf(world).configure({ latencyMs: 1000 });
  const { task_id, message } = await client.createAndGenerateVideo(TRANSITION);
  assert.match(task_id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(message, "Transition creation and video generation started");
  assert.deepEqual((await client.checkTaskStatus(task_id)).state, "PENDING");
  simulatorOf(world).configure({ latencyMs: 0 });
  await world.functions.rest();

  const seen: TaskStatus[] = [];
  const result = await client.pollTaskStatus(task_id, (status) => seen.push(status));
  assert.deepEqual(statesIn(seen), ["PROCESSING", "SUCCESS"]);
  assert.ok(seen.length <= 30, `${seen.length} polls are more than a minute`);
  for (const status of seen) {
    assert.equal(status.task_id, task_id);
    if (status.state === "PROCESSING") assert.equal(status.info.total, 100);
  }
  assert.equal(result.duration, 5);
  await assertFilm(result.video_url);
  await thumbnailEnded(world, task_id);
  await assertJpeg((await client.pollTaskStatus(task_id)).thumbnail_url);
  assert.equal(await creditsOf(world, user), 20 - PRICE);
});

Deno.test("both ids of a result are numbers, the same at each look, and other ones for another transition", async () => {
  const client = clientOf(await world.newUser(20));
  const first = await client.createAndGenerateVideo(TRANSITION);
  const second = await client.createAndGenerateVideo({ ...TRANSITION, prompt: "Another one" });
  const result = await client.pollTaskStatus(first.task_id);
  const ids = ({ transition_id, generated_transition_id }: typeof result) => [transition_id, generated_transition_id];
  assert.deepEqual(ids(await client.pollTaskStatus(first.task_id)), ids(result));
  const other = await client.pollTaskStatus(second.task_id);
  assert.ok(other.transition_id !== result.transition_id);
  assert.ok(other.generated_transition_id !== result.generated_transition_id);
});

Deno.test("a task that fails rejects with the sentence of the answer, and costs nothing", async () => {
  const user = await world.newUser(20);
  const client = clientOf(user);
  simulatorOf(world).script({ endpoint: ENDPOINTS.generate }, { outcome: "unsupported_image_format" });
  const { task_id } = await client.createAndGenerateVideo(TRANSITION);
  await assert.rejects(client.pollTaskStatus(task_id), {
    message: "Failed to process video: The model refused the image: use another picture, or another size or format",
  });
  assert.equal(await creditsOf(world, user), 20);
  await world.audit();
});

Deno.test("after 150 attempts the client gives up, and after a refresh the stored task_id still ends in its video", async () => {
  const user = await world.newUser(20);
  simulatorOf(world).script({ endpoint: ENDPOINTS.generate }, { outcome: "hang" });
  const { task_id } = await clientOf(user).createAndGenerateVideo(TRANSITION);
  await assert.rejects(clientOf(user).pollTaskStatus(task_id), {
    message: "Task polling timeout - maximum attempts reached",
  });
  const run = simulatorOf(world).requests.find(({ endpoint }) => endpoint === ENDPOINTS.generate);
  simulatorOf(world).finish(String(run?.id));
  const result = await clientOf(user).pollTaskStatus(task_id);
  await assertFilm(result.video_url);
  assert.equal(await creditsOf(world, user), 20 - PRICE);
});

Deno.test("an answer that is lost is an error of that poll only", async () => {
  const client = clientOf(await world.newUser(20));
  const { task_id } = await client.createAndGenerateVideo(TRANSITION);
  world.gateway.fail("/functions/v1/transitions", 500, 1);
  await assert.rejects(client.checkTaskStatus(task_id), { message: "Request failed with status 500" });
  await assertFilm((await client.pollTaskStatus(task_id)).video_url);
});

Deno.test("without credits, or without a token, the start is refused and nothing is made", async () => {
  const poor = await world.newUser(PRICE - 1);
  await assert.rejects(clientOf(poor).createAndGenerateVideo(TRANSITION), {
    message: "Request failed with status 402",
  });
  await assert.rejects(clientOf({ ...poor, token: "your-auth-token" }).createAndGenerateVideo(TRANSITION), {
    message: "Request failed with status 401",
  });
  assert.equal(simulatorOf(world).requests.length, 0);
});

Deno.test("a double tap is one task, charged once; the same request ten seconds later is another", async () => {
  const user = await world.newUser(20);
  const client = clientOf(user);
  const [first, second] = await Promise.all([
    client.createAndGenerateVideo(TRANSITION),
    client.createAndGenerateVideo(TRANSITION),
  ]);
  assert.equal(first.task_id, second.task_id);
  assert.equal(await creditsOf(world, user), 20 - PRICE);
  await world.travel(11);
  assert.notEqual((await client.createAndGenerateVideo(TRANSITION)).task_id, first.task_id);
});

Deno.test("a batch is polled task by task", async () => {
  const user = await world.newUser(20);
  const client = clientOf(user);
  const { tasks, total } = await client.batchCreateAndGenerate([TRANSITION, { ...TRANSITION, prompt: "Another one" }]);
  assert.equal(total, 2);
  for (const { task_id } of tasks) await assertFilm((await client.pollTaskStatus(task_id)).video_url);
  assert.equal(await creditsOf(world, user), 20 - 2 * PRICE);
  await world.audit();
});
