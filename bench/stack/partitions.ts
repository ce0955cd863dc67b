import type postgres from "postgres";
import { projectPath } from "../../local/machine/project.ts";

/** A busy table is not free at once; waiting for longer would make everybody else wait behind. */
const LOCK_TIMEOUT = "500ms";
const TRIES = 60;
const END = new Date("2099-01-01T00:00:00Z");

/** Where the rows of one partition end and those of the next begin: `docs/scale.md` takes the first day of a month. */
export interface Boundary {
  table: "public.quota_log" | "public.video_jobs";
  column: string;
  from: string;
  to: string;
}

/** The partition that `moveBelow` makes after the old table. */
export function nextPartition({ table }: Boundary): string {
  return `${table.replace("public.", "private.")}_next`;
}

export function ledgerBoundary(time: Date): Boundary {
  return { table: "public.quota_log", column: "created_at", from: time.toISOString(), to: END.toISOString() };
}

/** The ids of jobs begin with their time. */
export function jobsBoundary(time: Date): Boundary {
  return { table: "public.video_jobs", column: "job_id", from: firstIdAt(time), to: firstIdAt(END) };
}

function firstIdAt(time: Date): string {
  const digits = time.getTime().toString(16).padStart(12, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8)}-0000-0000-000000000000`;
}

/** What the ledger needs first: keys that are unique in all partitions. Returns how many there are. */
export async function keepLedgerKeys(owner: postgres.Sql): Promise<number> {
  await owner.unsafe(await Deno.readTextFile(projectPath("bench/partitions/ledger_keys.sql")));
  const { count } = await owner`
    insert into private.ledger_keys
    select key from public.quota_log, unnest(private.ledger_keys_of(change, job_id, transaction_id)) as key order by key
    on conflict do nothing`;
  return count;
}

/** Proves that all rows are before the boundary. Rows may be written meanwhile. */
export async function proveBoundary(owner: postgres.Sql, { table, column, from }: Boundary): Promise<void> {
  await whenFree(
    owner,
    `alter table ${table} add constraint rows_are_of_before check (${column} < '${from}') not valid`,
  );
  await owner.unsafe(`alter table ${table} validate constraint rows_are_of_before`);
}

/** Puts the table below a partitioned one. The foreign keys to it are not valid until `validateForeignKeys`. */
export async function moveBelow(owner: postgres.Sql, { table, column, from, to }: Boundary): Promise<void> {
  await whenFree(owner, `select pg_temp.move_below('${table}', '${column}', '${from}', '${to}')`);
}

/** Makes the functions that `moveBelow` calls. They end with the connection. */
export async function prepareMove(owner: postgres.Sql): Promise<void> {
  await owner.unsafe(await Deno.readTextFile(projectPath("bench/partitions/move_below.sql")));
}

/** Validates foreign keys to a moved table: rows may be written meanwhile. */
export async function validateForeignKeys(owner: postgres.Sql): Promise<void> {
  const keys = await owner<{ validate: string }[]>`
    select format('alter table %s validate constraint %I', conrelid::regclass, conname) as validate
    from pg_constraint where contype = 'f' and not convalidated and conparentid = 0`;
  for (const { validate } of keys) await owner.unsafe(validate);
}

/** Takes the partition that follows the old table out, while the table is used, and puts it back. */
export async function detachAndAttach(owner: postgres.Sql, boundary: Boundary): Promise<void> {
  const { table, from, to } = boundary;
  const next = nextPartition(boundary);
  await owner.unsafe(`alter table ${table} detach partition ${next} concurrently`);
  await whenFree(owner, `alter table ${table} attach partition ${next} for values from ('${from}') to ('${to}')`);
}

/** Repeats a statement that needs the table alone for a moment, until it got it. */
async function whenFree(owner: postgres.Sql, statement: string): Promise<void> {
  await owner.unsafe(`set lock_timeout = '${LOCK_TIMEOUT}'`);
  for (let tries = 1;; tries++) {
    try {
      await owner.unsafe(statement);
      break;
    } catch (error) {
      if (!(error instanceof Error) || !/lock timeout|deadlock/.test(error.message) || tries === TRIES) throw error;
    }
  }
  await owner`set lock_timeout = 0`;
}
