// What one call of the worker takes on: looks together, copies apart, and both within limits.
import assert from "node:assert/strict";
import { ENDLESS, simulatorOf } from "../support/generation.ts";
import { until, useWorld } from "../support/harness.ts";
import { startRuns } from "../support/running-jobs.ts";

const world = useWorld({ falSimulator: ENDLESS });

/** How many looks a call of the worker makes, how many at a time, and how many copies at a time. */
const LOOKS = 400;
const BATCH = 32;
const COPIES_AT_ONCE = 8;

// Otherwise the next test would find these jobs.
Deno.test.afterEach(async () => {
  simulatorOf(world).configure({ latencyMs: 0 });
  await world.sql`
    select fail_job(job_id, attempt, 'timeout', 'The test is over') from private.job_queue where next_check_at is not null`;
  await world.audit();
});

Deno.test("looks are leased and recorded together: 100 of them cost fewer than 40 calls of the database", async () => {
  await startRuns(world, 100);
  world.gateway.clearCalls();
  assert.equal((await world.tick()).body.advanced, 100);
  const calls = world.gateway.calls.map(({ path }) => path);
  const count = (procedure: string) => calls.filter((path) => path === `/rest/v1/rpc/${procedure}`).length;
  assert.ok(count("lease_due_jobs") + count("record_looks") < 40, calls.join(" "));
  assert.equal(count("record_progress"), 0);
});

Deno.test("a long tick looks at each run once, though near its expected end it is due again at once", async () => {
  const started = await startRuns(world, 100);
  await world.sql`update video_jobs set expected_at = private.clock() where completed_at is null`;
  simulatorOf(world).configure({ latencyMs: 300 });
  const { claimed, more } = (await world.tick()).body;
  assert.deepEqual([claimed, more], [100, undefined]);
  assert.deepEqual(new Set(started.map(({ run }) => run.calls.status)), new Set([1]));
});

Deno.test("one tick leaves some of 450 looks to the next one, and says so", async () => {
  await startRuns(world, 450);
  const { claimed, more } = (await world.tick()).body;
  // Each lane of the worker finishes the job that it has begun.
  assert.ok(Number(claimed) >= LOOKS && Number(claimed) < LOOKS + BATCH, `${claimed} looks`);
  assert.equal(more, true);
  const rest = (await world.tick()).body;
  assert.deepEqual([rest.claimed, rest.more], [450 - Number(claimed), undefined]);
});

Deno.test("copies that hang hold up no look, and those that wait for them are due for others", async () => {
  const hanging = await startRuns(world, 20, "A lighthouse [fal: media_stalled]");
  for (const { run } of hanging) simulatorOf(world).finish(run.id);
  const started = await startRuns(world, 60);
  const lost = world.tick();
  await until("all runs are looked at", () => Promise.resolve(started.every(({ run }) => run.calls.status === 1)));
  /** How many copies are nobody's, and how many are being made. */
  const copies = async () => {
    const [found] = await world.sql`
      select count(*) filter (where lease_until is null and next_check_at <= private.clock())::integer as due,
        count(*) filter (where lease_until > private.clock())::integer as made
      from private.job_queue where step = jsonb_array_length(steps) and next_check_at is not null`;
    return [found?.due, found?.made];
  };
  try {
    await until("those that wait are due, and no more are made", async () => {
      const [due, made] = await copies();
      return due === 20 - COPIES_AT_ONCE && made === COPIES_AT_ONCE;
    });
  } finally {
    // Otherwise the copies hang for 270 s.
    await world.functions.kill();
    await lost;
    await world.functions.restart();
  }
});
