import assert from "node:assert/strict";
import { ENDLESS, finishRun, simulatorOf, startGeneration } from "./generation.ts";
import { COPY_LEASE_SECONDS, type TestUser, until, useWorld } from "./harness.ts";

const world = useWorld({ webhooks: true, falSimulator: ENDLESS });

const leave = (user: TestUser) => world.call("account", { method: "DELETE", user });

/** A user with a delivered video, a running one and an uploaded image. */
async function settledUser() {
  const user = await world.newUser(100);
  const done = await startGeneration(world, { user });
  finishRun(world, done);
  assert.equal((await done.outcome()).body.status, "completed");
  const running = await startGeneration(world, { user });
  const upload = await world.call("uploads", { user, body: { content_type: "image/png" } });
  await fetch(String(upload.body.upload_url), { method: "PUT", body: "png", headers: { "Content-Type": "image/png" } });
  return { user, done, running };
}

Deno.test("a user who leaves takes rows, files and runs along, and is refunded first", async () => {
  const { user, running } = await settledUser();
  const answer = await leave(user);
  assert.deepEqual([answer.status, answer.body], [200, { deleted: true }]);

  for (const table of ["video_jobs", "credit_balances", "idempotency_log", "deleted_videos", "quota_log"]) {
    const rows = await world.sql`select from ${world.sql(table)} where user_id = ${user.id}`;
    assert.equal(rows.length, 0, table);
  }
  assert.equal((await world.sql`select from auth.users where id = ${user.id}`).length, 0);
  assert.equal((await world.sql`select from storage.objects where name like ${`${user.id}/%`}`).length, 0);
  await until("the cancellation", () => running.runs()[0]?.cancelled === true);
  await world.travel(COPY_LEASE_SECONDS + 1);
  assert.equal((await world.purge()).status, 200);
  assert.equal((await world.sql`select from private.files_to_delete where path like ${`${user.id}/%`}`).length, 0);
  assert.deepEqual(await running.ledger(), [-5, 5]);
  await world.audit();
});

Deno.test("the ledger keeps the sums, in the order they were made, under a name that leads to nobody", async () => {
  const { user, done } = await settledUser();
  const before = await world.sql`
    select id, change, reason, job_id, balance_after from quota_log where user_id = ${user.id} order by id`;
  await leave(user);
  const [entry] = await world.sql`select user_id from quota_log where job_id = ${done.jobId}`;
  const after = await world.sql`
    select id, change, reason, job_id, balance_after from quota_log where user_id = ${entry?.user_id} order by id`;
  assert.deepEqual([...after].slice(0, before.length), [...before]);
  assert.equal((await world.sql`select from auth.users where id = ${entry?.user_id}`).length, 0);
  await assert.rejects(world.sql`update quota_log set user_id = ${user.id}`, /only grows/);
});

Deno.test("leaving again is safe, and the token that is left opens nothing", async () => {
  const { user, done } = await settledUser();
  await leave(user);
  assert.equal((await leave(user)).status, 200);
  assert.equal((await world.status(user, done.jobId)).status, 404);
  assert.equal((await world.generate(user)).status, 401);
});

Deno.test("a webhook that comes after its user has left changes nothing", async () => {
  const { user, running } = await settledUser();
  await leave(user);
  const [delivery] = await simulatorOf(world).deliverWebhook(String(running.runs()[0]?.id));
  assert.equal(delivery?.status, 404);
  await world.audit();
});

Deno.test("a user who leaves while requests are under way is charged for nothing", async () => {
  const user = await world.newUser(1000);
  const requests = Array.from({ length: 20 }, () => world.generate(user));
  const [gone, ...answers] = await Promise.all([leave(user), ...requests]);
  assert.equal(gone.status, 200);
  assert.ok(
    answers.every(({ status }) => status === 200 || status === 401),
    JSON.stringify(answers.map((a) => a.status)),
  );
  assert.equal((await world.sql`select from video_jobs where user_id = ${user.id}`).length, 0);
  await world.audit();
});

Deno.test("a file that could not be deleted is deleted by the next purge", async () => {
  const { user } = await settledUser();
  world.gateway.fail("/storage/v1/object/videos", 500, 1);
  assert.equal((await leave(user)).status, 200);
  await world.travel(COPY_LEASE_SECONDS + 1);
  await world.purge();
  assert.equal((await world.sql`select from storage.objects where name like ${`${user.id}/%`}`).length, 0);
});

Deno.test("nobody leaves without a token", async () => {
  assert.equal((await world.call("account", { method: "DELETE" })).status, 401);
});
