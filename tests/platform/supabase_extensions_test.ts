import assert from "node:assert/strict";
import postgres from "postgres";
import { prepareDatabase } from "../../local/postgres/database.ts";
import { type Postgres, startPostgres } from "../../local/postgres/postgres.ts";
import { projectPath } from "../../local/machine/project.ts";
import { LIGHTHOUSE } from "../support/harness.ts";

let server: Postgres;
let sql: postgres.Sql;
const user = crypto.randomUUID();

Deno.test.beforeAll(async () => {
  server = await startPostgres();
  sql = postgres(server.url, { max: 1, onnotice: () => {} });
  await sql.unsafe(await Deno.readTextFile(projectPath("tests/platform/supabase-extensions.sql")));
  await prepareDatabase(server.url);
  await sql`insert into auth.users (id, email) values (${user}, 'owner@example.com')`;
  await sql`select add_credits(${user}, 1000, 'test')`;
});
Deno.test.afterAll(async () => {
  await sql.end();
  await server.stop();
});

async function startJob(): Promise<string> {
  const [row] = await sql`
    select start_generation(${user}, ${crypto.randomUUID()}, 'hash', ${sql.json(LIGHTHOUSE)}) -> 'response' as started`;
  return String(row?.started.job_id);
}

async function messagesOf(jobId: string): Promise<postgres.RowList<postgres.Row[]>> {
  return await sql`
    select topic, event, private, payload from realtime.messages where payload ->> 'job_id' = ${jobId}`;
}

Deno.test("each change of a job is broadcast to its owner's private channel", async () => {
  const jobId = await startJob();
  await sql`select record_submission(${jobId}, 1, 'run')`;
  await sql`select fail_job(${jobId}, 1, 'content_policy', 'Refused')`;
  const messages = await messagesOf(jobId);
  assert.deepEqual(messages.map(({ payload }) => payload.status), ["pending", "processing", "failed"]);
  assert.deepEqual(new Set(messages.map(({ topic }) => topic)), new Set([`jobs:${user}`]));
  assert.ok(messages.every((message) => message.private === true && message.event === "job_changed"));
  assert.equal(messages[2]?.payload.error_code, "content_policy");
});

Deno.test("a broadcast holds nothing that is secret", async () => {
  const [message] = await messagesOf(await startJob());
  assert.deepEqual(
    Object.keys(message?.payload).sort(),
    ["error_code", "id", "job_id", "node_id", "progress", "status", "updated_at"],
  );
});

Deno.test("a lease or a check without a change is not broadcast", async () => {
  const jobId = await startJob();
  await sql`select record_submission(${jobId}, 1, 'run')`;
  await sql`select record_progress(${jobId}, 1, 'queued')`;
  await sql`update private.job_queue set next_check_at = now() - interval '1 second' where job_id = ${jobId}`;
  await sql`select lease_job(${jobId})`;
  assert.equal((await messagesOf(jobId)).length, 2);
});

Deno.test("a Realtime that fails never stops the change itself", async () => {
  await sql`alter table realtime.messages add constraint broken check (topic = '') not valid`;
  const jobId = await startJob();
  await sql`alter table realtime.messages drop constraint broken`;
  const [job] = await sql`select status from video_jobs where job_id = ${jobId}`;
  assert.equal(job?.status, "pending");
  assert.equal((await messagesOf(jobId)).length, 0);
});

Deno.test("only the owner may listen to a channel, and no client may send", async () => {
  const jobId = await startJob();
  const heard = async (listener: string, topic: string) =>
    await sql.begin(async (transaction) => {
      await transaction`select set_config('request.jwt.claims', ${JSON.stringify({ sub: listener })}, true)`;
      await transaction`select set_config('realtime.topic', ${topic}, true)`;
      await transaction`set local role authenticated`;
      const rows = await transaction`select 1 from realtime.messages where payload ->> 'job_id' = ${jobId}`;
      return rows.length;
    });
  assert.equal(await heard(user, `jobs:${user}`), 1);
  assert.equal(await heard(crypto.randomUUID(), `jobs:${user}`), 0);
  assert.equal(await heard(user, `jobs:${crypto.randomUUID()}`), 0);
  await assert.rejects(
    sql.begin(async (transaction) => {
      await transaction`select set_config('request.jwt.claims', ${JSON.stringify({ sub: user })}, true)`;
      await transaction`set local role authenticated`;
      await transaction`select realtime.send('{}', 'job_changed', ${`jobs:${user}`})`;
    }),
    /row-level security/,
  );
});

Deno.test("the worker and the purge are scheduled, and cron's own trace is cleaned", async () => {
  const jobs = await sql`select jobname, schedule from cron.job order by jobname`;
  assert.deepEqual(jobs.map(({ jobname, schedule }) => [jobname, schedule]), [
    ["reelmint-advance-jobs", "10 seconds"],
    ["reelmint-purge", "17 * * * *"],
    ["reelmint-purge-cron-trace", "27 3 * * *"],
  ]);
  for (const { command } of await sql`select command from cron.job`) await sql.unsafe(command);
});

Deno.test("the worker is called with the secret key of Vault, and only when something is due", async () => {
  await sql`insert into vault.decrypted_secrets values
    ('project_url', 'https://example.supabase.co'), ('secret_key', 'sb_secret_test')`;
  await sql`update private.job_queue set next_check_at = null`;
  await sql`truncate net.calls`;
  await sql`select private.call_worker()`;
  assert.equal((await sql`select 1 from net.calls`).length, 0);

  const jobId = await startJob();
  await sql`update private.job_queue set next_check_at = now(), lease_until = null where job_id = ${jobId}`;
  await sql`select private.call_worker()`;
  const [call] = await sql`select url, body, headers, timeout_milliseconds from net.calls`;
  assert.equal(call?.url, "https://example.supabase.co/functions/v1/advance-jobs");
  assert.deepEqual([call?.headers.apikey, call?.body], ["sb_secret_test", { task: "advance" }]);
  assert.ok(call?.timeout_milliseconds > 2000, "pg_net's default would cut a cold function off");
});

Deno.test("many due jobs are given to several calls of the worker at once, at most eight; the purge is one call", async () => {
  await sql`insert into vault.decrypted_secrets values
    ('project_url', 'https://example.supabase.co'), ('secret_key', 'sb_secret_test') on conflict do nothing`;
  const callsFor = async (due: number, { task = "advance", step = 0 } = {}) => {
    await sql`truncate net.calls`;
    await sql`update private.job_queue set next_check_at = null`;
    await sql.begin(async (transaction) => {
      await transaction`set local session_replication_role = replica`;
      await transaction`
        insert into private.job_queue (job_id, steps, step, next_check_at, deadline_at, step_deadline_at)
        select gen_random_uuid(), '[{}]', ${step}, now(), now(), now() from generate_series(1, ${due})`;
    });
    await sql`select private.call_worker(${task})`;
    return (await sql`select 1 from net.calls`).length;
  };
  assert.equal(await callsFor(0), 0);
  assert.equal(await callsFor(400), 1);
  assert.equal(await callsFor(401), 2);
  assert.equal(await callsFor(5000), 8);
  assert.equal(await callsFor(5000, { task: "purge" }), 1);
  // A copy takes as long as ten looks.
  assert.equal(await callsFor(40, { step: 1 }), 1);
  assert.equal(await callsFor(41, { step: 1 }), 2);
  await sql`delete from private.job_queue where steps = '[{}]'`;
});

Deno.test("links are below the address of Vault, unless a setting has another", async () => {
  await sql`insert into vault.decrypted_secrets values ('project_url', 'https://example.supabase.co') on conflict do nothing`;
  const address = async () => (await sql`select private.share_url('x') as url`)[0]?.url;
  assert.equal(await address(), "https://example.supabase.co/functions/v1/share/x");
  await sql`update app_settings set public_functions_url = 'https://videos.example.com/functions/v1'`;
  assert.equal(await address(), "https://videos.example.com/functions/v1/share/x");
  await sql`update app_settings set public_functions_url = null`;
  await sql`delete from vault.decrypted_secrets`;
});

Deno.test("without its secrets the worker is not called, and nothing fails", async () => {
  await sql`delete from vault.decrypted_secrets`;
  await sql`truncate net.calls`;
  await sql`select private.call_worker('purge')`;
  assert.equal((await sql`select 1 from net.calls`).length, 0);
});
