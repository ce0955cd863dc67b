import assert from "node:assert/strict";
import { assertPaidOnce, assertRefundedOnce, finishRun, INSTANT, startGeneration } from "./generation.ts";
import { type Answer, KLING, KLING_IMAGE, type TestUser, useWorld } from "./harness.ts";

const world = useWorld({ falSimulator: { ...INSTANT, runMs: 3_600_000 } });

const ask = (user: TestUser | undefined, content_type: unknown) =>
  world.call("uploads", { user, body: { content_type } });

async function upload(user: TestUser, bytes: BodyInit = "an image"): Promise<string> {
  const { body } = await ask(user, "image/png");
  const put = await fetch(String(body.upload_url), {
    method: "PUT",
    body: bytes,
    headers: { "Content-Type": "image/png" },
  });
  await put.body?.cancel();
  assert.equal(put.status, 200);
  return String(body.image_path);
}

function generate(user: TestUser, body: Record<string, unknown>): Promise<Answer> {
  return world.generate(user, { body: { model_id: KLING_IMAGE, prompt: "It moves", ...body } });
}

Deno.test("an uploaded image is given to the provider by an address that works for it", async () => {
  const user = await world.newUser();
  const image_path = await upload(user, "the very bytes");
  assert.match(image_path, new RegExp(`^${user.id}/[0-9a-f-]{36}\\.png$`));
  const generation = await startGeneration(world, { user, body: { model_id: KLING_IMAGE, image_path } });
  const given = await fetch(String(generation.runs()[0]?.input.start_image_url));
  assert.equal(await given.text(), "the very bytes");
  finishRun(world, generation);
  await assertPaidOnce(world, generation, await generation.outcome());
});

Deno.test("the signed address of an image is stored nowhere", async () => {
  const user = await world.newUser();
  await generate(user, { image_path: await upload(user) });
  const [work] = await world.sql`
    select work.steps::text from private.job_work as work join video_jobs using (job_id) where user_id = ${user.id}`;
  assert.ok(!String(work?.steps).includes("token="));
  assert.ok(!world.functions.log.some((line) => line.includes("token=")));
});

Deno.test("an image that was never uploaded fails the request, refunded", async () => {
  const user = await world.newUser();
  const { body } = await ask(user, "image/jpeg");
  const generation = await startGeneration(world, {
    user,
    body: { model_id: KLING_IMAGE, image_path: body.image_path },
  });
  assert.deepEqual([generation.answer.status, generation.answer.body.code], [500, "provider_failed"]);
  await assertRefundedOnce(world, generation, await generation.poll(0), "input_missing");
});

Deno.test("a Storage that is down is not held against the provider", async () => {
  const user = await world.newUser();
  const image_path = await upload(user);
  world.gateway.fail("/storage/v1/object/sign", 503, 1);
  const generation = await startGeneration(world, { user, body: { model_id: KLING_IMAGE, image_path } });
  assert.equal(generation.answer.status, 200);
  assert.equal((await world.sql`select from private.provider_circuits`).length, 0);
  finishRun(world, generation);
  await assertPaidOnce(world, generation, await generation.outcome());
});

Deno.test("a stranger's image, a made-up path and two images at once are refused", async () => {
  const user = await world.newUser();
  const theirs = await upload(await world.newUser());
  const image_url = "https://example.com/image.png";
  for (
    const body of [
      { image_path: theirs },
      { image_path: `${user.id}/../${theirs}` },
      { image_path: "x" },
      { image_path: await upload(user), image_url },
      { model_id: KLING, image_path: await upload(user) },
      {},
    ]
  ) {
    const answer = await generate(user, body);
    assert.deepEqual([answer.status, answer.body.code], [400, "validation_failed"], JSON.stringify(body));
  }
});

Deno.test("only images are taken, and only from a user", async () => {
  const user = await world.newUser();
  assert.equal((await ask(user, "video/mp4")).status, 400);
  assert.equal((await ask(undefined, "image/png")).status, 401);
  const { body } = await ask(user, "image/webp");
  assert.deepEqual([body.method, body.max_bytes, body.expires_in], ["PUT", 10_485_760, 7200]);
});
