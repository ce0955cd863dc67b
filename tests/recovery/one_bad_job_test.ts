// What the worker does for many jobs at once goes well for all of them but the one that has a fault.
import assert from "node:assert/strict";
import { ENDLESS } from "../support/generation.ts";
import { until, useWorld } from "../support/harness.ts";
import { startRuns } from "../support/running-jobs.ts";

const world = useWorld({ falSimulator: ENDLESS });
const OTHERS = 5;

// Otherwise the next test would find these jobs.
Deno.test.afterEach(async () => {
  await world.sql`
    select fail_job(job_id, attempt, 'timeout', 'The test is over') from private.job_queue where next_check_at is not null`;
  await world.audit();
});

/** Six due jobs of two users: one that a test does something to, and five others. */
async function startOneAndOthers(): Promise<string> {
  await startRuns(world, OTHERS);
  const [one] = await startRuns(world, 1);
  return String(one?.jobId);
}

/** The jobs that a worker still has. */
async function leasedJobs(): Promise<unknown[]> {
  const rows = await world.sql`select job_id from private.job_queue where lease_until > private.clock()`;
  return rows.map(({ job_id }) => job_id);
}

async function alertsOf(jobId: string): Promise<unknown[]> {
  const read = () => world.sql`select event from alerts where fields ->> 'job_id' = ${jobId}`;
  await until("the alert is written", async () => (await read()).length > 0);
  return (await read()).map(({ event }) => event);
}

Deno.test("while an account is being deleted, the looks at other users' jobs are recorded", async () => {
  const jobId = await startOneAndOthers();
  const ticked = await world.sql.begin(async (deletion) => {
    await deletion`select private.lock_user_exclusive(user_id) from video_jobs where job_id = ${jobId}`;
    const ticking = world.tick();
    let waits = true;
    ticking.finally(() => waits = false);
    await until("the others are recorded", async () => !waits || (await leasedJobs()).length === 1);
    assert.ok(waits);
    return { ticking };
  });
  assert.equal((await ticked.ticking).body.advanced, OTHERS + 1);
  assert.deepEqual(await leasedJobs(), []);
});

Deno.test("a look that Postgres refuses does not keep the others from being recorded", async () => {
  const jobId = await startOneAndOthers();
  await world.sql.unsafe(`
    create function private.refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
    create trigger look_is_refused before update on private.job_queue
      for each row when (new.lease_until is null and new.job_id = '${jobId}') execute function private.refuse()`);
  try {
    assert.equal((await world.tick()).body.advanced, OTHERS);
    assert.deepEqual(await leasedJobs(), [jobId]);
  } finally {
    await world.sql.unsafe("drop function private.refuse() cascade");
  }
});

for (
  const [what, field, value] of [
    ["a worker cannot read", "produces", '"hologram"'],
    ["Postgres cannot lease", "optional", '"perhaps"'],
  ] as const
) {
  Deno.test(`a job that ${what} is told to the operator, and the others go on`, async () => {
    const jobId = await startOneAndOthers();
    await world.sql`
      update private.job_queue set steps = jsonb_set(steps, ${[
      "0",
      field,
    ]}, ${value}::text::jsonb) where job_id = ${jobId}`;
    const ticked = await world.tick();
    assert.deepEqual([ticked.status, ticked.body.advanced], [200, OTHERS]);
    assert.deepEqual(await alertsOf(jobId), ["job_unreadable"]);
    // The next call of the worker does not find it again at once.
    assert.deepEqual(await leasedJobs(), [jobId]);
    const [ended] = await world.sql`
      select (answer ->> 'applied')::boolean as applied from private.job_queue,
        fail_job(job_id, attempt, 'provider_error', 'Damaged') as answer where job_id = ${jobId}`;
    assert.equal(ended?.applied, true, "the remedy of docs/operations.md");
  });
}

Deno.test("a thumbnail that a worker cannot read is told to the operator, and the others go on", async () => {
  const [one, other] = (await startRuns(world, 2)).map(({ jobId }) => jobId);
  for (const jobId of [one, other]) {
    await world.sql`select advance_step(${String(jobId)}, 1, '{"video_url": "https://provider.test/v.mp4"}')`;
    await world.sql`select complete_job(${String(jobId)}, 1, 'video.mp4')`;
    // Due, and without an attempt left: a worker gives it up.
    await world.sql`
      insert into private.thumbnail_work
      select job_id, jsonb_set(steps -> 0, '{produces}', ${jobId === one ? '"hologram"' : '"image_url"'}::text::jsonb),
        2, 0, null, private.clock(), private.clock() + interval '1 hour'
      from private.job_queue where job_id = ${String(jobId)}`;
  }
  assert.equal((await world.tick()).status, 200);
  assert.deepEqual(await alertsOf(String(one)), ["job_unreadable"]);
  const left = await world.sql`select job_id from private.thumbnail_work`;
  assert.deepEqual(left.map(({ job_id }) => job_id), [one]);
});
