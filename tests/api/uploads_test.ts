import assert from "node:assert/strict";
import { assertPaidOnce, finishRun, INSTANT, startGeneration } from "../support/generation.ts";
import { type Answer, KLING, KLING_IMAGE, type TestUser, useWorld } from "../support/harness.ts";
import { html, png } from "../support/images.ts";
import { assertChangesNothing } from "../support/table-dump.ts";
import { assertFailed, PLAIN, startTransition } from "../support/transition.ts";

const world = useWorld({ falSimulator: { ...INSTANT, runMs: 3_600_000 } });

const ask = (user: TestUser | undefined, content_type: unknown) =>
  world.call("uploads", { user, body: { content_type } });

async function put(url: unknown, bytes: BodyInit, headers: Record<string, string> = {}): Promise<number> {
  const type = { "Content-Type": "image/png" };
  const response = await fetch(String(url), { method: "PUT", body: bytes, headers: { ...type, ...headers } });
  await response.body?.cancel();
  return response.status;
}

async function upload(user: TestUser, bytes: BodyInit = png()): Promise<string> {
  const { body } = await ask(user, "image/png");
  assert.equal(await put(body.upload_url, bytes), 200);
  return String(body.image_path);
}

function generate(user: TestUser, body: Record<string, unknown>, key?: string): Promise<Answer> {
  return world.generate(user, {
    body: { model_id: KLING_IMAGE, prompt: "It moves", ...body },
    ...(key === undefined ? {} : { key }),
  });
}

async function isStored(path: string): Promise<boolean> {
  return (await world.sql`select from storage.objects where bucket_id = 'inputs' and name = ${path}`).length > 0;
}

Deno.test("an uploaded image is given to the provider by an address that works for it", async () => {
  const user = await world.newUser();
  const bytes = png("the very bytes");
  const image_path = await upload(user, bytes);
  assert.match(image_path, new RegExp(`^${user.id}/[0-9a-f-]{36}\\.png$`));
  const generation = await startGeneration(world, { user, body: { model_id: KLING_IMAGE, image_path } });
  const given = await fetch(String(generation.runs()[0]?.input.start_image_url));
  assert.deepEqual(await given.bytes(), bytes);
  finishRun(world, generation);
  await assertPaidOnce(world, generation, await generation.outcome());
});

Deno.test("the signed address of an image is stored nowhere", async () => {
  const user = await world.newUser();
  await generate(user, { image_path: await upload(user) });
  const [work] = await world.sql`
    select work.steps::text from private.job_queue as work join video_jobs using (job_id) where user_id = ${user.id}`;
  assert.ok(!String(work?.steps).includes("token="));
  assert.ok(!world.functions.log.some((line) => line.includes("token=")));
});

Deno.test("an image that was never uploaded is 422 before any charge, and its key is free", async () => {
  const user = await world.newUser();
  const { body: { image_path, upload_url } } = await ask(user, "image/png");
  const key = crypto.randomUUID();
  const refused = await assertChangesNothing(world, () => generate(user, { image_path }, key));
  assert.deepEqual([refused.status, refused.body.code, refused.body.image_path], [422, "input_missing", image_path]);
  assert.equal(await put(upload_url, png()), 200);
  assert.equal((await generate(user, { image_path }, key)).status, 200);
  await world.audit();
});

Deno.test("a replay is answered as before although its image is gone", async () => {
  const user = await world.newUser();
  const image_path = await upload(user);
  const key = crypto.randomUUID();
  const first = await generate(user, { image_path }, key);
  await world.sql`delete from private.uploads where path = ${image_path}`;
  const again = await generate(user, { image_path }, key);
  assert.deepEqual([again.status, again.body], [200, first.body]);
});

Deno.test("an image that is gone when its job is submitted fails the job, refunded", async () => {
  const user = await world.newUser();
  const image_path = await upload(user);
  world.gateway.fail("/storage/v1/object/sign", 503, 1);
  const transition = await startTransition(world, {
    user,
    body: { ...PLAIN, front_image: null, front_image_path: image_path },
  });
  await world.sql`delete from storage.objects where name = ${image_path}`;
  await assertFailed(world, transition, await transition.outcome(), "input_missing", 5);
});

Deno.test("HTML with the type of a PNG is never sent to the provider", async () => {
  const user = await world.newUser();
  const image_path = await upload(user, html(5_000_000));
  const generation = await startGeneration(world, { user, body: { model_id: KLING_IMAGE, image_path } });
  const { status, body } = generation.answer;
  assert.deepEqual([status, body.code, body.image_path], [422, "input_refused", image_path]);
  assert.match(String(body.error), /upload a JPEG, PNG, WebP or GIF/);
  assert.deepEqual([generation.runs().length, await world.balance(user)], [0, 100]);
  assert.equal(await isStored(image_path), false);
  const again = await generation.send();
  assert.deepEqual([again.status, again.body.code], [422, "input_refused"]);
  await world.audit();
});

Deno.test("an empty file and one of another type than was announced are refused", async () => {
  const user = await world.newUser();
  const empty = await generate(user, { image_path: await upload(user, new Uint8Array()) });
  assert.deepEqual([empty.status, empty.body.code], [422, "input_refused"]);
  const { body } = await ask(user, "image/jpeg");
  assert.equal(await put(body.upload_url, png()), 200);
  const other = await generate(user, { image_path: body.image_path });
  assert.deepEqual([other.status, other.body.code], [422, "input_refused"]);
});

Deno.test("an uploaded file cannot be replaced, whatever the headers say", async () => {
  const user = await world.newUser();
  const { body: { image_path, upload_url } } = await ask(user, "image/png");
  assert.equal(await put(upload_url, png("the first")), 200);
  for (const headers of [{}, { "x-upsert": "true" }]) {
    const status = await put(upload_url, html(), headers);
    assert.ok(status >= 400 && status < 500, `${status}`);
  }
  const generation = await startGeneration(world, { user, body: { model_id: KLING_IMAGE, image_path } });
  const given = await fetch(String(generation.runs()[0]?.input.start_image_url));
  assert.deepEqual(await given.bytes(), png("the first"));
});

Deno.test("of two uploads at once one is kept, whole", async () => {
  const user = await world.newUser();
  const { body: { image_path, upload_url } } = await ask(user, "image/png");
  const statuses = await Promise.all(["a", "b", "c"].map((name) => put(upload_url, png(name.repeat(1_000_000)))));
  assert.equal(statuses.filter((status) => status === 200).length, 1, `${statuses}`);
  assert.equal((await generate(user, { image_path })).status, 200);
});

// Supabase keeps a second upload that began before the first had ended, as another version of the file.
Deno.test("a file that was replaced after it was checked is checked again", async () => {
  const user = await world.newUser();
  const image_path = await upload(user);
  assert.equal((await generate(user, { image_path })).status, 200);
  await world.sql`delete from storage.objects where name = ${image_path}`;
  const response = await fetch(`${world.url}/storage/v1/object/inputs/${image_path}`, {
    method: "POST",
    headers: { apikey: world.secretKey, "Content-Type": "image/png" },
    body: html(),
  });
  await response.body?.cancel();
  assert.equal(response.status, 200);
  const answer = await generate(user, { image_path });
  assert.deepEqual([answer.status, answer.body.code], [422, "input_refused"]);
});

Deno.test("a file is checked once, however often it is used", async () => {
  const user = await world.newUser();
  const image_path = await upload(user);
  world.gateway.clearCalls();
  for (let count = 0; count < 3; count++) assert.equal((await generate(user, { image_path })).status, 200);
  const reads = world.gateway.calls.filter(({ path }) => path === `/storage/v1/object/inputs/${image_path}`);
  assert.equal(reads.length, 1);
});

Deno.test("when Storage is down before a file is checked nothing is charged, and the key stays free", async () => {
  const user = await world.newUser();
  const image_path = await upload(user);
  const key = crypto.randomUUID();
  world.gateway.fail("/storage/v1/object/inputs", 503, 1);
  const refused = await assertChangesNothing(world, () => generate(user, { image_path }, key));
  assert.deepEqual([refused.status, refused.body.code], [503, "unavailable"]);
  assert.equal((await generate(user, { image_path }, key)).status, 200);
});

Deno.test("a failure of Storage does not count against the provider", async () => {
  const user = await world.newUser();
  const image_path = await upload(user);
  world.gateway.fail("/storage/v1/object/sign", 503, 1);
  const generation = await startGeneration(world, { user, body: { model_id: KLING_IMAGE, image_path } });
  assert.equal(generation.answer.status, 200);
  assert.equal((await world.sql`select from private.provider_circuits`).length, 0);
  finishRun(world, generation);
  await assertPaidOnce(world, generation, await generation.outcome());
});

Deno.test("another user's image, an invented path and two images at once are refused", async () => {
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
  const madeUp = await generate(user, { image_path: `${user.id}/${crypto.randomUUID()}.png` });
  assert.deepEqual([madeUp.status, madeUp.body.code], [422, "input_missing"]);
});

Deno.test("only images are taken, and only from a user", async () => {
  const user = await world.newUser();
  assert.equal((await ask(user, "video/mp4")).status, 400);
  assert.equal((await ask(undefined, "image/png")).status, 401);
  const { body } = await ask(user, "image/webp");
  assert.deepEqual([body.method, body.max_bytes, body.expires_in], ["PUT", 10_485_760, 7200]);
});
