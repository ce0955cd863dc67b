// Uploads cannot be used as free hosting.
import assert from "node:assert/strict";
import { INSTANT } from "../support/generation.ts";
import { COPY_LEASE_SECONDS, KLING_IMAGE, type TestUser, useWorld } from "../support/harness.ts";
import { html, png } from "../support/images.ts";

const world = useWorld({ falSimulator: INSTANT });

const DAY_SECONDS = 86_400;
const ADDRESS_SECONDS = 7200;

const ask = (user: TestUser) => world.call("uploads", { user, body: { content_type: "image/png" } });

async function upload(user: TestUser, bytes: BodyInit = png()): Promise<{ path: string; url: string }> {
  const { body } = await ask(user);
  const path = String(body.image_path);
  await put(String(body.upload_url), bytes);
  return { path, url: String(body.upload_url) };
}

async function put(url: string, bytes: BodyInit): Promise<void> {
  const answer = await fetch(url, { method: "PUT", body: bytes, headers: { "Content-Type": "image/png" } });
  await answer.body?.cancel();
  assert.equal(answer.status, 200);
}

async function generate(user: TestUser, image_path: string): Promise<string> {
  const { status, body } = await world.generate(user, {
    body: { model_id: KLING_IMAGE, prompt: "It moves", image_path },
  });
  assert.equal(status, 200, JSON.stringify(body));
  return String(body.job_id);
}

const forget = (user: TestUser, ...job_ids: string[]) =>
  world.call("videos", { method: "DELETE", user, body: { job_ids } });

const storedOf = async (user: TestUser) =>
  (await world.sql`select from storage.objects where bucket_id = 'inputs' and name like ${`${user.id}/%`}`).length;
const rowsOf = async (user: TestUser) =>
  (await world.sql`select from private.uploads where user_id = ${user.id}`).length;

Deno.test("no more upload addresses are given than the day's limit", async () => {
  await world.sql`update app_settings set upload_bytes_per_day = 10000000000`;
  const user = await world.newUser();
  const answers = [];
  // At once, but not more than a busy machine answers in ten seconds; the third wave crosses the limit.
  for (const count of [40, 40, 40, 30]) {
    answers.push(...await Promise.all(Array.from({ length: count }, () => ask(user))));
  }
  const refused = answers.filter(({ status }) => status === 429);
  assert.deepEqual([answers.filter(({ status }) => status === 200).length, refused.length], [100, 50]);
  for (const { body, headers } of refused) {
    assert.deepEqual([body.code, body.limit], ["upload_limit_reached", 100]);
    assert.ok(Number(headers.get("retry-after")) > DAY_SECONDS - 60, String(headers.get("retry-after")));
    assert.deepEqual([headers.get("x-ratelimit-limit"), headers.get("x-ratelimit-remaining")], ["100", "0"]);
  }
  assert.equal((await ask(await world.newUser())).status, 200);
  await world.travel(DAY_SECONDS);
  assert.equal((await ask(user)).status, 200);
  await world.sql`update app_settings set upload_bytes_per_day = default`;
});

Deno.test("an unused upload address counts with the largest file that it allows, until it expires", async () => {
  const user = await world.newUser();
  const answers = await Promise.all(Array.from({ length: 25 }, () => ask(user)));
  const refused = answers.filter(({ status }) => status === 429);
  assert.equal(refused.length, 5);
  assert.equal(refused[0]?.body.limit, 209_715_200);
  const wait = Number(refused[0]?.headers.get("retry-after"));
  assert.ok(wait > 0 && wait <= ADDRESS_SECONDS, `${wait}`);
  await world.travel(wait + 1);
  assert.equal((await ask(user)).status, 200);
});

Deno.test("uploaded bytes count, also those of refused and deleted files", async () => {
  await world.sql`update app_settings set upload_bytes_per_day = ${10_485_760 + 3_000_000}`;
  const user = await world.newUser();
  await upload(user, png("x".repeat(1_000_000)));
  const { path } = await upload(user, html(1_999_000));
  const refused = await world.generate(user, { body: { model_id: KLING_IMAGE, prompt: "It moves", image_path: path } });
  assert.equal(refused.body.code, "input_refused");
  assert.equal(await storedOf(user), 1);
  await upload(user, png("x".repeat(2000)));
  assert.equal((await ask(user)).status, 429);
  await world.travel(DAY_SECONDS);
  assert.equal((await ask(user)).status, 200);
  await world.sql`update app_settings set upload_bytes_per_day = default`;
});

Deno.test("a deleted account's token gets no address", async () => {
  const user = await world.newUser();
  assert.equal((await world.call("account", { method: "DELETE", user })).status, 200);
  const answer = await ask(user);
  assert.deepEqual([answer.status, answer.body.code], [401, "unauthorized"]);
  assert.equal(await rowsOf(user), 0);
});

Deno.test("a file uploaded by an address of a deleted account is removed", async () => {
  const user = await world.newUser();
  const { body } = await ask(user);
  assert.equal((await world.call("account", { method: "DELETE", user })).status, 200);
  await world.travel(COPY_LEASE_SECONDS + 1);
  await world.purge();
  await put(String(body.upload_url), png());
  assert.equal(await storedOf(user), 1);
  await world.travel(ADDRESS_SECONDS);
  assert.equal((await world.purge()).status, 200);
  assert.equal(await storedOf(user), 0);
});

Deno.test("a file without an owner is removed", async () => {
  const user = await world.newUser();
  await upload(user);
  await world.sql`alter table private.uploads disable trigger uploads_take_their_files_along`;
  await world.sql`delete from private.uploads where user_id = ${user.id}`;
  await world.sql`alter table private.uploads enable trigger uploads_take_their_files_along`;
  await world.purge();
  await world.travel(COPY_LEASE_SECONDS + 1);
  await world.purge();
  assert.equal(await storedOf(user), 0);
});

Deno.test("an unused upload is gone after a day", async () => {
  const user = await world.newUser();
  await upload(user);
  await ask(user);
  await world.travel(DAY_SECONDS - 60);
  await world.purge();
  assert.deepEqual([await rowsOf(user), await storedOf(user)], [2, 1]);
  await world.travel(60);
  const { body } = await world.purge();
  assert.deepEqual([await rowsOf(user), await storedOf(user)], [0, 0]);
  assert.ok(Number(body.uploads) >= 2);
});

Deno.test("an upload goes with the last job that names it", async () => {
  const user = await world.newUser();
  const { path } = await upload(user);
  const [first, second] = [await generate(user, path), await generate(user, path)];
  await world.travel(DAY_SECONDS);
  await world.purge();
  assert.deepEqual([await rowsOf(user), await storedOf(user)], [1, 1]);
  await forget(user, first);
  await world.purge();
  assert.deepEqual([await rowsOf(user), await storedOf(user)], [1, 1]);
  await forget(user, second);
  await world.purge();
  assert.deepEqual([await rowsOf(user), await storedOf(user)], [0, 0]);
});

Deno.test("free hosting: a job that failed, and cost its user nothing, keeps no upload", async () => {
  const user = await world.newUser();
  const { path } = await upload(user);
  const delivered = await generate(user, path);
  await world.travel(20);
  assert.equal((await world.status(user, delivered)).body.status, "completed");
  const failed = await generate(user, path);
  await world
    .sql`select fail_job(job_id, attempt, 'image_rejected', '') from private.job_queue where job_id = ${failed}`;
  await world.travel(DAY_SECONDS);
  await world.purge();
  assert.deepEqual([await rowsOf(user), await storedOf(user)], [1, 1]);
  await forget(user, delivered);
  await world.purge();
  assert.deepEqual([await rowsOf(user), await storedOf(user)], [0, 0]);
  await world.audit();
});

Deno.test("an upload goes with a job that is past the retention", async () => {
  await world.sql`update app_settings set retention_days = 7`;
  const user = await world.newUser();
  const { path } = await upload(user);
  const jobId = await generate(user, path);
  await world.travel(20);
  assert.equal((await world.status(user, jobId)).body.status, "completed");
  await world.travel(8 * DAY_SECONDS);
  await world.purge();
  assert.deepEqual([await rowsOf(user), await storedOf(user)], [0, 0]);
  await world.sql`update app_settings set retention_days = null`;
});

Deno.test("a second job may use the same upload", async () => {
  const user = await world.newUser();
  const { path } = await upload(user);
  await forget(user, await generate(user, path));
  await world.purge();
  await generate(user, path);
  await world.travel(2 * DAY_SECONDS);
  await generate(user, path);
  await world.audit();
});
