import assert from "node:assert/strict";
import { dataClient, newCanvas } from "../support/canvas.ts";
import { ENDLESS, finishRun, simulatorOf, startGeneration } from "../support/generation.ts";
import { COPY_LEASE_SECONDS, KLING, type TestUser, until, useWorld } from "../support/harness.ts";

const world = useWorld({ webhooks: true, falSimulator: ENDLESS });

const leave = (user: TestUser) => world.call("account", { method: "DELETE", user });

/** Gives a user delivered videos, paid for, without making them one by one. */
async function insertVideos(user: TestUser, count: number): Promise<void> {
  const at = "2026-01-01";
  const before = await world.balance(user);
  await world.sql`select add_credits(${user.id}, ${count}, 'purchase')`;
  await world.sql`
    with jobs as (
      insert into video_jobs (user_id, model_id, provider, prompt, status, stage, credits_used, video_path, completed_at, created_at, updated_at)
      select ${user.id}, ${KLING}, '{"name": "fal", "model": "x", "request_id": null}', 'A lighthouse', 'completed', 'completed', 1, 'x', ${at}, ${at}, ${at} from generate_series(1, ${count})
      returning job_id, user_id
    ), works as (
      insert into private.job_queue (job_id, steps, deadline_at, step_deadline_at)
      select job_id, '[{}]', ${at}, ${at} from jobs
    )
    insert into quota_log (user_id, change, reason, job_id, transaction_id, balance_after)
    select user_id, -1, 'video_generation', job_id, 'charge:' || job_id, ${
    before + count
  } - row_number() over () from jobs`;
  await world.sql`update credit_balances set credits_remaining = ${before} where user_id = ${user.id}`;
  await world.sql`
    insert into storage.objects (bucket_id, name)
    select 'videos', user_id || '/' || job_id || '.mp4' from video_jobs where user_id = ${user.id}`;
}

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

Deno.test("when a user deletes their account, running jobs are refunded, runs cancelled, and rows and files deleted", async () => {
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

Deno.test("the ledger of a deleted user keeps its entries in order, without the user's id", async () => {
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

Deno.test("the token of a deleted user is 401 at every endpoint", async () => {
  const { user, done } = await settledUser();
  await leave(user);
  const body = { front_image: "https://example.com/a.jpg", tail_image: "https://example.com/b.jpg", prompt: "x" };
  const transition = { ...body, duration: 5, transition_type: "CALM" };
  const answers = {
    "generate-video": await world.generate(user),
    "get-video-status": await world.status(user, done.jobId),
    "node status": await world.call("get-video-status?node_id=x", { method: "GET", user }),
    "create-and-generate": await world.call("transitions/create-and-generate/", { user, body: transition }),
    "task-status": await world.call(`transitions/task-status/${done.jobId}/`, { method: "GET", user }),
    "videos": await world.call("videos", { method: "GET", user }),
    "changed videos": await world.call("videos?updated_since=0", { method: "GET", user }),
    "cancel": await world.call(`videos/${done.jobId}/cancel`, { user }),
    "delete": await world.call("videos", { method: "DELETE", user, body: { job_ids: [done.jobId] } }),
    "account": await leave(user),
  };
  for (const [what, { status, body: { code } }] of Object.entries(answers)) {
    assert.deepEqual([status, code], [401, "unauthorized"], what);
  }
});

Deno.test("when the dashboard deletes a user, running jobs are refunded, runs cancelled, and rows and files deleted", async () => {
  const { user, running } = await settledUser();
  await world.sql`delete from auth.users where id = ${user.id}`;
  assert.equal((await world.sql`select from video_jobs where user_id = ${user.id}`).length, 0);
  assert.equal((await world.sql`select from quota_log where user_id = ${user.id}`).length, 0);
  assert.deepEqual(await running.ledger(), [-5, 5]);
  assert.equal(running.runs()[0]?.cancelled, false);
  assert.equal((await world.tick()).status, 200);
  assert.equal(running.runs()[0]?.cancelled, true);
  assert.equal((await world.sql`select from private.runs_to_cancel`).length, 0);
  await world.travel(COPY_LEASE_SECONDS + 1);
  assert.equal((await world.purge()).status, 200);
  assert.equal((await world.sql`select from storage.objects where name like ${`${user.id}/%`}`).length, 0);
  await world.audit();
});

Deno.test("a cancellation that always fails is tried five times, then the operator gets an alert", async () => {
  const { user } = await settledUser();
  await world.sql`delete from auth.users where id = ${user.id}`;
  await world.sql`update private.runs_to_cancel set provider = 'nobody'`;
  const alerts = () => world.functions.log.filter((line) => line.includes("run_not_cancelled")).length;
  for (let tries = 1; tries <= 5; tries++) {
    assert.equal(alerts(), 0);
    await world.tick();
    await world.tick();
    await world.travel(tries * 60);
  }
  assert.equal(alerts(), 1);
  assert.equal((await world.sql`select from private.runs_to_cancel`).length, 0);
});

Deno.test("a deleted user who signs up again with the same address gets no second welcome credits", async () => {
  const name = crypto.randomUUID();
  const first = await world.signUp(`${name}@example.com`);
  assert.equal(await world.balance(first), 20);
  assert.equal((await leave(first)).status, 200);
  for (const spelling of [`${name}@example.com`, `${name.toUpperCase()}+again@Example.com`]) {
    const again = await world.signUp(spelling);
    assert.equal(await world.balance(again), 0, spelling);
    assert.equal((await leave(again)).status, 200);
  }
});

Deno.test("what a user has used in this hour still counts after they delete their account and sign up again", async () => {
  await world.sql`update app_settings set generations_per_hour = 2`;
  const email = `${crypto.randomUUID()}@example.com`;
  const first = await world.signUp(email);
  for (let count = 0; count < 2; count++) assert.equal((await world.generate(first)).status, 200);
  await leave(first);
  const again = await world.signUp(email);
  await world.sql`select add_credits(${again.id}, 100, 'purchase')`;
  const refused = await world.generate(again);
  assert.deepEqual([refused.status, refused.body.code], [429, "rate_limited"]);
  await world.travel(3601);
  assert.equal((await world.generate(again)).status, 200);
  await world.sql`update app_settings set generations_per_hour = 200`;
});

// Supabase ends a statement after eight seconds. Without an index a table would be read whole for each video.
Deno.test("videos are deleted with their user by one statement that reads no table whole for each of them", async () => {
  const user = await world.newUser();
  await insertVideos(user, 2_000);
  await world.sql.begin(async (sql) => {
    await sql`delete from auth.users where id = ${user.id}`;
    const readWhole = await sql`
      select relname, seq_scan from pg_stat_xact_user_tables where seq_scan > 10 and relname <> 'test_clock'`;
    assert.deepEqual([...readWhole], []);
  });
  assert.equal((await world.sql`select from video_jobs where user_id = ${user.id}`).length, 0);
  await world.sql`truncate private.files_to_delete`;
});

Deno.test("an account with hundreds of videos is deleted in short steps", async () => {
  const user = await world.newUser();
  await insertVideos(user, 600);
  world.gateway.clearCalls();
  const answer = await leave(user);
  assert.deepEqual([answer.status, answer.body], [200, { deleted: true }]);
  const steps = world.gateway.calls.filter(({ path }) => path.endsWith("/delete_finished_videos"));
  assert.equal(steps.length, 2);
  assert.equal((await world.sql`select from video_jobs where user_id = ${user.id}`).length, 0);
  await world.sql`truncate private.files_to_delete`;
});

Deno.test("a webhook for a job of a deleted user changes nothing", async () => {
  const { user, running } = await settledUser();
  await leave(user);
  const [delivery] = await simulatorOf(world).deliverWebhook(String(running.runs()[0]?.id));
  assert.equal(delivery?.status, 404);
  await world.audit();
});

Deno.test("an account deleted while requests are under way is charged for nothing", async () => {
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

Deno.test("a user deleted by the dashboard while requests are under way is charged for nothing, without a deadlock", async () => {
  const user = await world.newUser(1000);
  const requests = Array.from({ length: 20 }, () => world.generate(user));
  const [, ...answers] = await Promise.all([world.sql`delete from auth.users where id = ${user.id}`, ...requests]);
  assert.ok(answers.every(({ status }) => status === 200 || status === 401), answers.map((a) => a.status).join());
  const [server] = await world.sql`select deadlocks from pg_stat_database where datname = current_database()`;
  assert.equal(server?.deadlocks, 0);
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

Deno.test("an account is not deleted without a token", async () => {
  assert.equal((await world.call("account", { method: "DELETE" })).status, 401);
});

Deno.test("an owner whose account could not be deleted still has their projects, and can delete it later", async () => {
  const { owner, nodeId } = await newCanvas(world);
  await world.sql.unsafe(`
    create function private.test_refusal() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
    create trigger test_refusal before delete on auth.users for each row execute function private.test_refusal()`);
  assert.equal((await leave(owner)).status, 500);
  await world.sql`drop function private.test_refusal cascade`;
  const { data } = await dataClient(world, owner).from("nodes").select("id");
  assert.deepEqual(data, [{ id: nodeId }]);
  assert.equal((await leave(owner)).status, 200);
});
