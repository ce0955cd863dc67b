// Two transactions that need each other's locks: both take them in the same order, so the second waits and neither is aborted.
import assert from "node:assert/strict";
import {
  assertBalance,
  type Call,
  pool,
  twoJobs,
  useDatabase,
  valueOf,
  whileWaitedFor,
} from "../support/two-transactions.ts";

useDatabase();

Deno.test("a deletion of two videos while one of them ends is no deadlock: it has all their locks before the balance", async () => {
  const { user, jobs: [first, second] } = await twoJobs();
  const deleted = await whileWaitedFor(
    (sql) => valueOf(sql`select private.lock_job(${second}, 1)`),
    (sql) => valueOf(sql`select jsonb_array_length(delete_videos(${user}, ${[first, second]}::uuid[]) -> 'deleted')`),
    (sql) => valueOf(sql`select fail_job(${second}, 1, 'timeout', 'It took too long')`),
  );
  assert.equal(deleted, 2);
  await assertBalance(user, 100);
});

Deno.test("looks recorded together while their videos are deleted are no deadlock: both lock them by their ids", async () => {
  const { user, jobs: [first, second] } = await twoJobs();
  // However slow this machine is.
  await pool`alter function record_looks(jsonb) set lock_timeout = '60s'`;
  const looks = [second, first].map((job_id) => ({ job_id, attempt: 1, stage: "generating" }));
  const seen = await whileWaitedFor(
    (sql) => valueOf(sql`select private.lock_job(${first}, 1)`),
    (sql) => valueOf(sql`select count(*)::integer from record_looks(${pool.json(looks)})`),
    (sql) => valueOf(sql`select delete_videos(${user}, ${[first, second]}::uuid[])`),
  );
  assert.equal(seen, 0);
  await assertBalance(user, 100);
});

Deno.test("an account that is deleted while two of its jobs are refunded is no deadlock: it has the user's lock first", async () => {
  const { user, jobs: [first, second] } = await twoJobs();
  const refund = (jobId: string): Call => (sql) =>
    valueOf(sql`select fail_job(${jobId}, 1, 'timeout', 'It took too long')`);
  await whileWaitedFor(refund(first), (sql) => valueOf(sql`select erase_account(${user})`), refund(second));
  assert.deepEqual([...await pool`select from auth.users where id = ${user}`], []);
  assert.deepEqual([...await pool`select * from audit_credits()`], []);
});

Deno.test("a purge that meets a deletion of the same videos is no deadlock: both lock them by their ids", async () => {
  const { user, jobs: [first, second] } = await twoJobs();
  await pool`select fail_job(${second}, 1, 'timeout', 'x')`;
  await pool`select fail_job(${first}, 1, 'timeout', 'x')`;
  await pool`update app_settings set retention_days = 1`;
  await pool`
    update video_jobs set completed_at = completed_at - case when job_id = ${second} then 3 else 2 end * interval '1 day'
    where user_id = ${user}`;
  const purged = await whileWaitedFor(
    (sql) => valueOf(sql`select private.lock_job(${first}, 1)`),
    (sql) => valueOf(sql`select delete_expired_videos(100)`),
    (sql) => valueOf(sql`select delete_videos(${user}, ${[first, second]}::uuid[])`),
  );
  await pool`update app_settings set retention_days = null`;
  assert.equal(purged, 0);
  await assertBalance(user, 100);
});
