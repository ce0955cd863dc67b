// Two transactions that touch the same money or the same job, on a database of their own.
import assert from "node:assert/strict";
import postgres from "postgres";
import { startDatabase } from "./database.ts";
import { LIGHTHOUSE, until } from "./harness.ts";

/** Its connections; only within a test of a file that calls `useDatabase`. */
export let pool: postgres.Sql;

/** One database for the tests of a file. */
export function useDatabase(): void {
  let stop: () => Promise<void>;
  Deno.test.beforeAll(async () => {
    const server = await startDatabase();
    pool = postgres(server.url, { max: 5, onnotice: () => {} });
    stop = () => server.stop();
  });
  Deno.test.afterAll(async () => {
    await pool.end();
    await stop();
  });
}

/** Calls a procedure and returns its result. */
export type Call = (sql: postgres.ISql) => Promise<unknown>;

/** Makes a call, and commits it only when the second call, on another connection, waits for it or is done. */
export async function whileUnderWay(first: Call, second: Call): Promise<[first: unknown, second: unknown]> {
  const { early, late } = await pool.begin(async (transaction) => {
    const early = await first(transaction);
    let done = false;
    const late = second(pool).finally(() => done = true);
    // Its error is thrown below, by `await late`.
    late.catch(() => {});
    await until("the second call waits or is done", async () => done || await isCallWaiting());
    return { early, late };
  });
  return [early, await late];
}

async function isCallWaiting(): Promise<boolean> {
  const [waiting] = await pool`select from pg_stat_activity where wait_event_type = 'Lock'`;
  return waiting !== undefined;
}

/** Runs a query of one value. */
export async function valueOf(query: Promise<postgres.Row[]>): Promise<unknown> {
  const [row] = await query;
  return Object.values(row ?? {})[0];
}

/** A user with a hundred credits. */
export async function newUser(): Promise<string> {
  const id = crypto.randomUUID();
  await pool`insert into auth.users (id) values (${id})`;
  await pool`select add_credits(${id}, 100, 'test')`;
  return id;
}

export function start(userId: string, key: string): Call {
  return (sql) =>
    valueOf(sql`
      select answer ->> 'outcome' from start_generation(${userId}, ${key}, 'hash', ${pool.json(LIGHTHOUSE)})
        as answer`);
}

/** Takes a lock, waits until the other call waits for it, then does the rest. Fails on a deadlock. */
export async function whileWaitedFor(lock: Call, other: Call, rest: Call): Promise<unknown> {
  const late = await pool.begin(async (transaction) => {
    await lock(transaction);
    const late = other(pool);
    late.catch(() => {});
    await until("the other call waits", isCallWaiting);
    await rest(transaction);
    return { late };
  });
  return await late.late;
}

/** Two jobs of one user under way, in the order of their ids. */
export async function twoJobs(): Promise<{ user: string; jobs: [first: string, second: string] }> {
  const user = await newUser();
  for (const key of ["one", "other"]) await start(user, key)(pool);
  const rows = await pool`select job_id from video_jobs where user_id = ${user} order by job_id`;
  const [first = "", second = ""] = rows.map(({ job_id }) => String(job_id));
  return { user, jobs: [first, second] };
}

export async function assertBalance(userId: string, credits: number): Promise<void> {
  assert.equal(
    await valueOf(pool`select credits_remaining::integer from credit_balances where user_id = ${userId}`),
    credits,
  );
  assert.deepEqual([...await pool`select * from audit_credits()`], []);
}
