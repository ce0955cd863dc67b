// Many workers at once: a job belongs to one worker at a time, and no job is forgotten.
import assert from "node:assert/strict";
import postgres from "postgres";
import { z } from "zod";
import { accelerateClock } from "../support/fast-clock.ts";
import { insertRunningJobs, startRuns } from "../support/running-jobs.ts";
import { ENDLESS, simulatorOf } from "../support/generation.ts";
import { type Answer, until, useWorld } from "../support/harness.ts";
import { Random } from "../simulation/runtime/random.ts";

const world = useWorld({ falSimulator: ENDLESS });

const WORKERS = 8;
const JOBS = 2000;
const LEASE_SECONDS = 60;
/** The longest pause between two checks of a run. */
const CHECK_SECONDS = 15;
/** How many jobs a worker leases at a time, copies apart. */
const BATCH = 32;
const HOUR_MS = 3_600_000;

// Otherwise the next test would find these jobs.
Deno.test.afterEach(async () => {
  world.gateway.clearFaults();
  simulatorOf(world).configure({ latencyMs: 0, submit: null });
  await world.sql`
    select fail_job(job_id, attempt, 'timeout', 'The test is over') from private.job_queue where next_check_at is not null`;
  await world.audit();
});

/** Runs the same work on eight connections at once. */
async function onEightConnections<T>(work: (sql: postgres.Sql, index: number) => Promise<T>): Promise<T[]> {
  const connections = Array.from(
    { length: WORKERS },
    () => postgres(world.databaseUrl, { max: 1, onnotice: () => {} }),
  );
  try {
    // Opened first, so that all begin at the same time.
    await Promise.all(connections.map((sql) => sql`select 1`));
    return await Promise.all(connections.map(work));
  } finally {
    await Promise.all(connections.map((sql) => sql.end()));
  }
}

const leasedSchema = z.array(z.object({ job_id: z.string() }));

async function lease(sql: postgres.Sql, limit = BATCH, leaseSeconds = LEASE_SECONDS): Promise<string[]> {
  const rows = await sql`select leased ->> 'job_id' as job_id from lease_due_jobs(${limit}, ${leaseSeconds}) as leased`;
  return leasedSchema.parse([...rows]).map(({ job_id }) => job_id);
}

/** Leases until no job is due. Returns the jobs of each of the eight connections. */
function leaseAll(): Promise<string[][]> {
  return onEightConnections(async (sql) => {
    const jobs: string[] = [];
    for (let batch = await lease(sql); batch.length > 0; batch = await lease(sql)) {
      jobs.push(...batch);
      assert.ok(jobs.length <= JOBS, "jobs are leased again");
    }
    return jobs;
  });
}

const sorted = (jobs: readonly string[]) => jobs.toSorted();
const runIds = (count: number) => Array.from({ length: count }, () => crypto.randomUUID());

Deno.test("eight workers over 2,000 due jobs: each job is leased once, none is missed, and an abandoned one is leased again when its lease runs out", async () => {
  const jobs = await insertRunningJobs(world, runIds(JOBS));
  const leases = await leaseAll();
  assert.deepEqual(sorted(leases.flat()), sorted(jobs));
  assert.ok(leases.filter((own) => own.length > 0).length > 1, "one worker was faster than all others together");

  // The workers of half of the jobs report, the workers of the other half die.
  const [done, abandoned] = [jobs.slice(0, JOBS / 2), jobs.slice(JOBS / 2)];
  await world.sql`select record_progress(job_id, 1, 'generating') from unnest(${done}::uuid[]) as job_id`;
  await world.travel(LEASE_SECONDS - CHECK_SECONDS);
  assert.deepEqual(sorted((await leaseAll()).flat()), sorted(done));
  await world.travel(CHECK_SECONDS);
  assert.deepEqual(sorted((await leaseAll()).flat()), sorted(abandoned));
});

interface Lease {
  jobId: string;
  from: Date;
  until: Date;
}

const leasesSchema = z.array(z.object({ job_id: z.string(), lease_until: z.date() }));

/** Leases some jobs, and returns when each lease begins and ends. */
async function leaseSome(sql: postgres.Sql, leaseSeconds: number): Promise<Lease[]> {
  const rows = await sql.begin(async (transaction) => {
    const leased =
      await transaction`select leased ->> 'job_id' as id from lease_due_jobs(4, ${leaseSeconds}) as leased`;
    // In the same transaction, before another worker can lease them.
    return await transaction`
      select job_id, lease_until from private.job_queue where job_id = any (${
      leased.map(({ id }) => String(id))
    }::uuid[])`;
  });
  return leasesSchema.parse([...rows]).map(({ job_id, lease_until }) => ({
    jobId: job_id,
    from: new Date(lease_until.getTime() - leaseSeconds * 1000),
    until: lease_until,
  }));
}

/** Reports on a job, which ends its lease, unless the lease has run out. */
async function report(sql: postgres.Sql, lease: Lease): Promise<void> {
  const [now] = await sql`select private.clock() as time`;
  if (now?.time >= lease.until) return;
  await sql`select record_progress(${lease.jobId}, 1, 'generating')`;
  lease.until = now?.time;
}

Deno.test("no two workers have a job at the same time, whether its worker reports or dies", async () => {
  const jobs = await insertRunningJobs(world, runIds(100));
  const leases: Lease[] = [];
  const random = new Random(1);
  const restoreClock = await accelerateClock(world);
  let busy = true;
  const working = onEightConnections(async (sql) => {
    while (busy) {
      for (const lease of await leaseSome(sql, 20)) {
        leases.push(lease);
        if (random.chance(0.5)) await report(sql, lease);
      }
    }
  });
  try {
    await until(
      "every job was leased three times",
      () => jobs.every((job) => leases.filter(({ jobId }) => jobId === job).length >= 3),
      30_000,
    );
  } finally {
    busy = false;
    await working;
    await restoreClock();
  }

  for (const own of Map.groupBy(leases, ({ jobId }) => jobId).values()) {
    const inOrder = own.toSorted((one, other) => one.from.getTime() - other.from.getTime());
    inOrder.slice(1).forEach((next, index) => {
      const before = inOrder[index];
      assert.ok(before && before.until <= next.from, JSON.stringify([before, next]));
    });
  }
});

/** The sum of the answers of ticks. */
function sum(ticks: readonly Answer[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const { status, body } of ticks) {
    assert.equal(status, 200, JSON.stringify(body));
    for (const [name, count] of Object.entries(body)) total[name] = (total[name] ?? 0) + Number(count);
  }
  return total;
}

Deno.test("eight ticks at once over 200 due jobs ask the provider once for each", async () => {
  const started = await startRuns(world, 200);
  const ticks = await Promise.all(Array.from({ length: WORKERS }, () => world.tick()));
  assert.deepEqual(sum(ticks), { claimed: 200, advanced: 200, completed: 0, failed: 0, retried: 0 });
  assert.deepEqual(started.map(({ run }) => run.calls.status), Array.from({ length: 200 }, () => 1));
});

Deno.test("eight ticks at once over 40 finished runs deliver each once", async () => {
  const started = await startRuns(world, 40);
  for (const { run } of started) simulatorOf(world).finish(run.id);
  const ticks = await Promise.all(Array.from({ length: WORKERS }, () => world.tick()));
  assert.deepEqual(sum(ticks), { claimed: 40, advanced: 40, completed: 40, failed: 0, retried: 0 });
  assert.deepEqual(started.map(({ run }) => run.calls.file), Array.from({ length: 40 }, () => 1));
});

async function leased(): Promise<string[]> {
  const jobs = await world.sql`select job_id from private.job_queue where lease_until > private.clock()`;
  return jobs.map(({ job_id }) => String(job_id));
}

Deno.test("a worker is killed in the middle: other jobs go on at once, and its own when their leases have run out", async () => {
  const started = await startRuns(world, 40);
  const checks = (jobs: readonly string[]) =>
    started.filter(({ jobId }) => jobs.includes(jobId)).map(({ run }) => run.calls.status);
  const simulator = simulatorOf(world);
  simulator.configure({ latencyMs: HOUR_MS });
  const lost = world.tick();
  await until("the worker has leased all that it may", async () => (await leased()).length === BATCH);
  const abandoned = await leased();
  await world.functions.kill();
  assert.equal((await lost).status, 502);
  simulator.configure({ latencyMs: 0 });
  await world.functions.restart();

  assert.equal((await world.tick()).body.claimed, 40 - BATCH);
  await world.travel(LEASE_SECONDS - CHECK_SECONDS);
  assert.equal((await world.tick()).body.claimed, 40 - BATCH);
  assert.deepEqual(new Set(checks(abandoned)), new Set([0]));
  await world.travel(CHECK_SECONDS);
  assert.equal((await world.tick()).body.claimed, 40);
  assert.deepEqual(new Set(checks(abandoned)), new Set([1]));
});

Deno.test("a worker that cannot lease more jobs finishes those that it has", async () => {
  const started = await startRuns(world, 40);
  const simulator = simulatorOf(world);
  simulator.configure({ latencyMs: 300 });
  const ticking = world.tick();
  await until("the worker has leased all that it may", async () => (await leased()).length === BATCH);
  world.gateway.fail("/rest/v1/rpc/lease_due_jobs", 503);
  const { status, body } = await ticking;
  assert.deepEqual([status, body.claimed, body.advanced], [200, BATCH, BATCH]);
  assert.equal(started.filter(({ run }) => run.calls.status === 1).length, BATCH);
});

Deno.test("a tick with nothing due makes three database calls at once and no other", async () => {
  world.gateway.clearCalls();
  const { status, body } = await world.tick();
  assert.deepEqual([status, body], [200, { claimed: 0, advanced: 0, completed: 0, failed: 0, retried: 0 }]);
  const paths = world.gateway.calls.map(({ path }) => path).filter((path) => !path.startsWith("/functions/"));
  assert.deepEqual(
    paths.sort(),
    ["lease_due_jobs", "lease_due_thumbnails", "lease_runs_to_cancel"].map((name) => `/rest/v1/rpc/${name}`),
  );
});

Deno.test("a tick reports what became of the jobs", async () => {
  const simulator = simulatorOf(world);
  const [first, second, refused, broken, running] = (await startRuns(world, 5)).map(({ run }) => run.id);
  assert.ok(first && second && refused && broken && running);
  simulator.finish(first);
  simulator.finish(second);
  simulator.fail(refused, "content_policy_violation");
  simulator.fail(broken, "internal_server_error");
  assert.deepEqual((await world.tick()).body, { claimed: 5, advanced: 5, completed: 2, failed: 1, retried: 1 });

  // The broken run is submitted again, and the answer is lost.
  await world.travel(LEASE_SECONDS);
  simulator.configure({ submit: "drop_after" });
  assert.deepEqual((await world.tick()).body, { claimed: 2, advanced: 1, completed: 0, failed: 0, retried: 0 });
});

Deno.test("a call of the worker without the secret key is refused, and no job moves", async () => {
  const [started] = await startRuns(world, 1);
  const user = await world.newUser();
  const strangers: HeadersInit[] = [
    {},
    { apikey: world.publishableKey },
    { apikey: world.secretKey.slice(0, -1) },
    { apikey: user.token },
    { Authorization: `Bearer ${user.token}` },
    { apikey: world.publishableKey, Authorization: `Bearer ${user.token}` },
  ];
  for (const headers of strangers) {
    const { status, body } = await world.call("advance-jobs", { headers });
    assert.deepEqual([status, body.code], [401, "unauthorized"], JSON.stringify(headers));
  }
  assert.equal(started?.run.calls.status, 0);
  assert.equal((await world.tick()).body.claimed, 1);
});
