import assert from "node:assert/strict";
import type { World } from "./harness.ts";

const SCHEMAS = ["public", "private", "storage"];
/** What is written beside the work: alerts after its answer, and the heartbeat of every health check. */
const BESIDE = ["public.alerts", "private.heartbeat"];
const HEALTH_PROBE = "health/probe.vtt";

/** Every row of every table that the work could change, and of the accounts, by table. */
async function dumpTables({ sql }: World): Promise<Record<string, unknown>> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where (schemaname = any(${SCHEMAS}) or (schemaname, tablename) = ('auth', 'users'))
      and schemaname || '.' || tablename <> all(${BESIDE}) order by 1`;
  const dumps = await Promise.all(tables.map(async ({ name }) => {
    const rows = await sql.unsafe(`select coalesce(jsonb_agg(row order by row::text), '[]') as rows
      from (select to_jsonb(one) as row from ${name} as one) as all_rows
      where row ->> 'name' is distinct from '${HEALTH_PROBE}'`);
    return [name, rows[0]?.rows];
  }));
  return Object.fromEntries(dumps);
}

/** Fails unless the work leaves every table as it was and the books balanced. */
export async function assertChangesNothing<T>(world: World, work: () => Promise<T>): Promise<T> {
  // The background work of earlier requests does not count, that of this work does.
  await world.functions.rest();
  const before = await dumpTables(world);
  const result = await work();
  await world.functions.rest();
  assert.deepEqual(await dumpTables(world), before);
  await world.audit();
  return result;
}
