import assert from "node:assert/strict";
import postgres from "postgres";
import { testConcurrentRequests } from "../support/runtime-tests/concurrency.ts";
import { type Generation, INSTANT, PRICE, simulatorOf, startGeneration } from "../support/generation.ts";
import { until, useWorld } from "../support/harness.ts";

const CONNECTIONS = 16;

const world = useWorld({ falSimulator: INSTANT });

testConcurrentRequests(world);

/** Runs a test with many database connections, which are opened before it begins. */
async function withConnections(test: (connections: postgres.Sql) => Promise<void>): Promise<void> {
  const pool = postgres(world.databaseUrl, { max: CONNECTIONS, onnotice: () => {} });
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, () => pool`select pg_sleep(0.05)`));
    await test(pool);
  } finally {
    await pool.end();
  }
}

const onEach = <T>(work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => work(index)));

interface Ending {
  applied: boolean;
  status: string;
}

async function fail(sql: postgres.Sql, jobId: string): Promise<Ending> {
  const [row] = await sql`select fail_job(${jobId}, 1, 'timeout', 'The video took too long') as ended`;
  return { applied: row?.ended.applied, status: row?.ended.job.status };
}

async function complete(sql: postgres.Sql, jobId: string): Promise<Ending> {
  const [row] = await sql`select complete_job(${jobId}, 1, 'a/path.mp4') as ended`;
  return { applied: row?.ended.applied, status: row?.ended.job.status };
}

Deno.test("sixteen connections that fail one job at once refund it once, and all see it failed", async () => {
  await withConnections(async (sql) => {
    for (let round = 0; round < 5; round++) {
      const generation = await startGeneration(world);
      const endings = await onEach(() => fail(sql, generation.jobId));
      assert.equal(endings.filter(({ applied }) => applied).length, 1);
      assert.ok(endings.every(({ status }) => status === "failed"));
      assert.deepEqual(await generation.ledger(), [-PRICE, PRICE]);
      assert.equal(await world.balance(generation.user), 100);
    }
  });
  await world.audit();
});

Deno.test("a job that is completed and failed at once has one ending, and the money follows it", async () => {
  await withConnections(async (sql) => {
    for (let round = 0; round < 10; round++) {
      const generation = await startGeneration(world);
      const media = { video_url: "https://v3.fal.media/files/video.mp4" };
      await sql`select advance_step(${generation.jobId}, 1, ${sql.json(media)})`;
      const endings = await onEach((index) => (index % 2 === round % 2 ? fail : complete)(sql, generation.jobId));
      const statuses = new Set(endings.map(({ status }) => status));
      assert.deepEqual([endings.filter(({ applied }) => applied).length, statuses.size], [1, 1]);
      assert.deepEqual(await generation.ledger(), statuses.has("failed") ? [-PRICE, PRICE] : [-PRICE]);
    }
  });
  await world.audit();
});

async function isLeased({ jobId }: Generation): Promise<boolean> {
  const [work] = await world.sql`
    select lease_until > private.clock() as leased from private.job_queue where job_id = ${jobId}`;
  return work?.leased === true;
}

Deno.test("two workers that both believe a failed job to be theirs, and a third that fails it, refund it once", async () => {
  const generation = await startGeneration(world, { fal: "content_policy" });
  // Slow checks: the lease of the first worker ends while it waits.
  simulatorOf(world).configure({ latencyMs: 300 });
  const polls = [];
  for (let worker = 0; worker < 2; worker++) {
    await world.travel(120);
    polls.push(world.status(generation.user, generation.jobId));
    await until("the worker has the job", () => isLeased(generation));
  }
  const answers = await Promise.all([...polls, fail(world.sql, generation.jobId)]);
  simulatorOf(world).configure({ latencyMs: 0 });
  assert.equal(answers.length, 3);
  assert.deepEqual(await generation.ledger(), [-PRICE, PRICE]);
  assert.equal(await world.balance(generation.user), 100);
  await world.audit();
});

Deno.test("two workers that both deliver one job complete it once", async () => {
  const generation = await startGeneration(world);
  simulatorOf(world).configure({ latencyMs: 300 });
  const polls = [];
  for (let worker = 0; worker < 2; worker++) {
    await world.travel(120);
    polls.push(world.status(generation.user, generation.jobId));
    await until("the worker has the job", () => isLeased(generation));
  }
  await Promise.all(polls);
  simulatorOf(world).configure({ latencyMs: 0 });
  const end = await generation.poll();
  assert.equal(end.body.status, "completed");
  assert.deepEqual(await generation.ledger(), [-PRICE]);
  assert.equal((await fetch(String(end.body.video_url), { method: "HEAD" })).status, 200);
  await world.audit();
});
