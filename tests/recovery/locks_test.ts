// Two transactions that touch the same money or the same job: the second waits, then sees what the first has done. In each
// test the first is still under way when the second begins, so that the result does not depend on chance.
import assert from "node:assert/strict";
import {
  assertBalance,
  type Call,
  newUser,
  pool,
  start,
  twoJobs,
  useDatabase,
  valueOf,
  whileUnderWay,
} from "../support/two-transactions.ts";

useDatabase();

/** A charged job whose submission is under way, long enough ago to be due. */
async function newJob(): Promise<string> {
  const key = crypto.randomUUID();
  await start(await newUser(), key)(pool);
  const jobId = String(await valueOf(pool`select job_id from idempotency_log where idempotency_key = ${key}`));
  await pool`
    update private.job_queue set next_check_at = now(), lease_until = null where job_id = ${jobId}`;
  return jobId;
}

/** A job whose music was skipped, and whose video is ready to be delivered. */
async function newJobWithoutMusic(userId: string): Promise<string> {
  const jobId = String(
    await valueOf(pool`
      select answer #>> '{response,job_id}' from start_generation(
        ${userId}, 'key', 'hash', '{"kind": "transition", "prompt": "A lighthouse", "image_url": "https://example.com/1.png",
          "tail_image_url": "https://example.com/2.png",
          "settings": {"enable_music": true, "deliver_without": ["music"]}}') as answer`),
  );
  await pool`select skip_step(${jobId}, 1)`;
  await pool`select record_submission(${jobId}, 2, 'run-2')`;
  await pool`select advance_step(${jobId}, 2, '{"video_url": "https://provider.test/v.mp4"}')`;
  return jobId;
}

Deno.test("a deduction that comes while another is under way waits for it, and both are taken", async () => {
  const user = await newUser();
  const deduct: Call = (sql) => valueOf(sql`select deduct_credits(${user}, 5) ->> 'credits_remaining'`);
  assert.deepEqual(await whileUnderWay(deduct, deduct), ["95", "90"]);
  await assertBalance(user, 90);
});

Deno.test("an addition that comes while another is under way waits for it, and both are added", async () => {
  const user = await newUser();
  const add: Call = (sql) => valueOf(sql`select add_credits(${user}, 5, 'purchase') ->> 'credits_remaining'`);
  assert.deepEqual(await whileUnderWay(add, add), ["105", "110"]);
  await assertBalance(user, 110);
});

Deno.test("a request that comes while its duplicate is under way waits for it, and replays its answer", async () => {
  const user = await newUser();
  const request = start(user, "key");
  assert.deepEqual(await whileUnderWay(request, request), ["created", "replayed"]);
  await assertBalance(user, 95);
});

Deno.test("of two requests that find a circuit's time over at once, one is the probe", async () => {
  const [first, second] = [await newUser(), await newUser()];
  await pool`insert into private.provider_circuits values ('fal', 5, now())`;
  try {
    assert.deepEqual(await whileUnderWay(start(first, "key"), start(second, "key")), [
      "created",
      "provider_unavailable",
    ]);
  } finally {
    await pool`delete from private.provider_circuits`;
  }
});

Deno.test("a request that comes while another spends the last credits waits for it, and is refused", async () => {
  const user = await newUser();
  await pool`select deduct_credits(${user}, 95)`;
  assert.deepEqual(await whileUnderWay(start(user, "one"), start(user, "other")), ["created", "insufficient_credits"]);
  await assertBalance(user, 0);
});

const leaseDue = (jobId: string): Call => (sql) =>
  valueOf(sql`select count(*)::integer from lease_due_jobs(100) as leased where leased ->> 'job_id' = ${jobId}`);

Deno.test("two workers that lease due jobs at once share no job", async () => {
  const lease = leaseDue(await newJob());
  assert.deepEqual(await whileUnderWay(lease, lease), [1, 0]);
});

Deno.test("two workers that lease due copies at once share no job", async () => {
  const jobId = await newJob();
  await pool`select record_submission(${jobId}, 1, ${`run of ${jobId}`})`;
  await pool`select advance_step(${jobId}, 1, '{"video_url": "https://provider.test/v.mp4"}', p_leaves_copy => true)`;
  const lease = leaseDue(jobId);
  assert.deepEqual(await whileUnderWay(lease, lease), [1, 0]);
});

Deno.test("two polls that lease one job at once do not both get it", async () => {
  const jobId = await newJob();
  const lease: Call = (sql) => valueOf(sql`select lease_job(${jobId}) is not null`);
  assert.deepEqual(await whileUnderWay(lease, lease), [true, false]);
});

Deno.test("two workers that open the next attempt at once open one", async () => {
  const jobId = await newJob();
  const open: Call = (sql) => valueOf(sql`select open_attempt(${jobId}, 1) ->> 'attempt'`);
  assert.deepEqual(await whileUnderWay(open, open), ["2", null]);
});

Deno.test("an answer that comes while the next attempt is opened is not taken for the answer of that attempt", async () => {
  const jobId = await newJob();
  const lease: Call = (sql) => valueOf(sql`select lease_job(${jobId}) ->> 'attempt'`);
  const record: Call = (sql) => valueOf(sql`select record_submission(${jobId}, 1, 'run-1') ->> 'applied'`);
  assert.deepEqual(await whileUnderWay(lease, record), ["2", "false"]);
  assert.equal(await valueOf(pool`select provider_job_id from private.job_queue where job_id = ${jobId}`), null);
});

Deno.test("a failure that comes while another is under way waits for it, and refunds nothing", async () => {
  const jobId = await newJob();
  const fail: Call = (sql) => valueOf(sql`select fail_job(${jobId}, 1, 'timeout', 'It took too long') ->> 'applied'`);
  assert.deepEqual(await whileUnderWay(fail, fail), ["true", "false"]);
  const user = String(await valueOf(pool`select user_id from video_jobs where job_id = ${jobId}`));
  await assertBalance(user, 100);
});

Deno.test("a delivery without an extra that comes while another is under way waits for it, and refunds nothing again", async () => {
  const user = await newUser();
  const jobId = await newJobWithoutMusic(user);
  await assertBalance(user, 94);
  const deliver: Call = (sql) => valueOf(sql`select complete_job(${jobId}, 2, 'video.mp4') ->> 'applied'`);
  assert.deepEqual(await whileUnderWay(deliver, deliver), ["true", "false"]);
  await assertBalance(user, 95);
});

Deno.test("a failure that comes while a delivery without an extra is under way waits for it, and refunds nothing", async () => {
  const user = await newUser();
  const jobId = await newJobWithoutMusic(user);
  const deliver: Call = (sql) => valueOf(sql`select complete_job(${jobId}, 2, 'video.mp4') ->> 'applied'`);
  const fail: Call = (sql) => valueOf(sql`select fail_job(${jobId}, 2, 'timeout', 'It took too long') ->> 'applied'`);
  assert.deepEqual(await whileUnderWay(deliver, fail), ["true", "false"]);
  await assertBalance(user, 95);
});

Deno.test("a step that is skipped while its end is reported is not skipped, and the next step is started once", async () => {
  const jobId = await newJob();
  await pool`
    update private.job_queue set steps = jsonb_set(steps, '{0,optional}', 'true'), provider_job_id = 'run-1'
    where job_id = ${jobId}`;
  await pool`update video_jobs set status = 'processing', stage = 'queued' where job_id = ${jobId}`;
  const end: Call = (sql) =>
    valueOf(sql`select advance_step(${jobId}, 1, '{"video_url": "https://provider.test/v.mp4"}') ->> 'applied'`);
  const skip: Call = (sql) => valueOf(sql`select skip_step(${jobId}, 1) ->> 'applied'`);
  assert.deepEqual(await whileUnderWay(end, skip), ["true", "false"]);
  assert.equal(await valueOf(pool`select step from video_jobs where job_id = ${jobId}`), 1);
});

Deno.test("two cancellations at once when the day allows one more: the second waits for the first, and is refused", async () => {
  const { user, jobs } = await twoJobs();
  for (const jobId of jobs) await pool`select record_submission(${jobId}, 1, ${jobId})`;
  await pool`update app_settings set cancels_after_start_per_day = 1`;
  const cancel = (jobId: string): Call => (sql) =>
    valueOf(sql`select cancel_job(${user}, ${jobId}, ${sql.json({ [jobId]: "running" })}) ->> 'outcome'`);
  try {
    const outcomes = await whileUnderWay(cancel(jobs[0]), cancel(jobs[1]));
    assert.deepEqual(outcomes, ["cancelled", "cancel_limit_reached"]);
  } finally {
    await pool`update app_settings set cancels_after_start_per_day = 10`;
  }
  await assertBalance(user, 95);
});

Deno.test("a first request of an identity that comes while another is under way waits for it, and has its user", async () => {
  const subject = crypto.randomUUID();
  const identify: Call = (sql) =>
    valueOf(sql`select identify_user('https://id.example', ${subject}, ${`${subject}@example.com`})`);
  const [first, second] = await whileUnderWay(identify, identify);
  assert.equal(second, first);
  assert.deepEqual([...await pool`select change from quota_log where user_id = ${String(first)}`], [{ change: 20 }]);
});

Deno.test("a request for an upload address that comes while another gets the day's last one waits for it, and is refused", async () => {
  const user = await newUser();
  await pool`update app_settings set uploads_per_day = 1`;
  const ask: Call = (sql) => valueOf(sql`select start_upload(${user}, 'image/png') ->> 'outcome'`);
  try {
    assert.deepEqual(await whileUnderWay(ask, ask), ["created", "upload_limit_reached"]);
  } finally {
    await pool`update app_settings set uploads_per_day = 100`;
  }
});
