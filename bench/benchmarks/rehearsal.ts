// Claim: a ledger of ten entries for each of --size jobs, and the jobs, are put into monthly partitions while they are
// used.
import type postgres from "postgres";
import type { Benchmark, Figure } from "../measure/benchmark.ts";
import { compare } from "../measure/comparison.ts";
import { spreadOf } from "../measure/statistics.ts";
import { pause, secondsOf } from "../measure/time.ts";
import { auditRecent } from "../stack/audits.ts";
import { type BenchDatabase, withBenchDatabase } from "../stack/bench-database.ts";
import { BusyClient } from "../stack/busy-client.ts";
import { medianOf, OUR_CALLS, timeCalls } from "../stack/call-times.ts";
import { HEAVY_USER, writeHistory } from "../stack/history.ts";
import {
  type Boundary,
  detachAndAttach,
  jobsBoundary,
  keepLedgerKeys,
  ledgerBoundary,
  moveBelow,
  nextPartition,
  prepareMove,
  proveBoundary,
  validateForeignKeys,
} from "../stack/partitions.ts";
import { insertUsers } from "../stack/users.ts";

const ENTRIES_OF_A_JOB = 10;
const CALLS_A_SECOND = 10;
/** New entries of a day, which are audited, are those of so many calls. */
const A_DAY = 2000;
/** The partitions are made before the rows come that need them. */
const BEFORE_THE_BOUNDARY_MS = 120_000;
const AFTER_A_STEP_MS = 1000;

export const rehearsal: Benchmark = {
  name: "rehearsal",
  claim: "The ledger (ten entries for each of --size jobs) and the jobs get monthly partitions while they are used.",
  run: ({ rounds, seconds, size, fsync, onProgress }) =>
    withBenchDatabase({ onProgress, fsync }, async (database) => {
      onProgress(`Writing ${size} jobs and ${size * ENTRIES_OF_A_JOB} ledger entries`);
      const written = await secondsOf(() => writeHistory(database.sql, size, size * (ENTRIES_OF_A_JOB - 1)));
      const figures = [figure("write_seconds", "the history was written", "s", written), ...await sizes(database.sql)];
      onProgress("Before: calls, and the audit of a day");
      const before = await timeRounds(database, rounds, CALLS_A_SECOND * seconds);
      figures.push(figure("audit_before_seconds", "audit of a day", "s", await auditADay(database)));
      figures.push(...await partition(database, onProgress));
      onProgress("After: calls, and the audit of a day");
      const after = await timeRounds(database, rounds, CALLS_A_SECOND * seconds);
      figures.push(figure("audit_after_seconds", "audit of a day, in partitions", "s", await auditADay(database)));
      await requireGuards(database.sql);
      return {
        comparisons: Object.keys(before[0] ?? {}).map((name) =>
          compare(
            { name: `${name}_partitioned`, opponent: `${name} in one table`, unit: "ms" },
            before.map((theirs, round) => ({ ours: after[round] ?? theirs, theirs })),
            (times) => times[name] ?? 0,
          )
        ),
        figures,
        postgres: database.version,
      };
    }),
};

function figure(name: string, what: string, unit: string, value: number): Figure {
  return { name, what, unit, value: spreadOf([value]) };
}

async function sizes(sql: postgres.Sql): Promise<Figure[]> {
  const tables = await sql<{ name: string; gigabytes: number }[]>`
    select relname as name, pg_total_relation_size(oid)::float8 / 1e9 as gigabytes from pg_class
    where oid in ('public.quota_log'::regclass, 'public.video_jobs'::regclass, 'private.job_queue'::regclass)`;
  return tables.map(({ name, gigabytes }) => figure(`${name}_gb`, `${name} with its indexes`, "GB", gigabytes));
}

async function timeRounds(database: BenchDatabase, rounds: number, calls: number): Promise<Record<string, number>[]> {
  const { sql, service } = database;
  const jobs = await sql<
    { job_id: string }[]
  >`select job_id from video_jobs where user_id = ${HEAVY_USER} limit ${calls}`;
  const results: Record<string, number>[] = [];
  for (let round = 0; round < rounds; round++) {
    const { start, record, lease, complete, fail } = await timeCalls(database, OUR_CALLS, calls);
    results.push({
      start_generation: start,
      record_submission: record,
      lease_due_jobs: lease,
      complete_job: complete,
      fail_job: fail,
      read_job: await medianOf(jobs, ({ job_id }) => service`select read_job(${HEAVY_USER}, ${job_id})`),
      list_videos: await medianOf(jobs, () => service`select list_videos(${HEAVY_USER}, 20)`),
      changed_videos: await medianOf(jobs, () => service`select changed_videos(${HEAVY_USER}, 0, 20)`),
    });
  }
  return results;
}

async function auditADay({ sql, service }: BenchDatabase): Promise<number> {
  await sql`update private.audit_state set ledger_id = (select max(id) from quota_log), ends_until = clock_timestamp()`;
  for (const user of await insertUsers(sql, A_DAY / 2)) await OUR_CALLS.start(service, user);
  return await secondsOf(() => auditRecent(service));
}

/** Makes the partitions while a client starts and ends jobs, and returns how long each part took and the client waited. */
async function partition({ sql }: BenchDatabase, onProgress: (step: string) => void): Promise<Figure[]> {
  const users = await insertUsers(sql, 100);
  const [owner, service] = [await sql.reserve(), await sql.reserve()];
  const figures: Figure[] = [];
  try {
    await service`set role service_role`;
    const client = new BusyClient(service, users);
    const step = async (name: string, what: string, work: () => Promise<unknown>): Promise<void> => {
      onProgress(what);
      client.reset();
      figures.push(figure(`${name}_seconds`, what, "s", await secondsOf(work)));
      // A call that waited for it ends a moment later.
      await pause(AFTER_A_STEP_MS);
      figures.push(figure(`${name}_longest_call_ms`, `${what}: the longest call meanwhile`, "ms", client.longest));
      figures.push(figure(`${name}_failed_calls`, `${what}: calls that failed`, "calls", client.failed));
    };
    await step("keys", "Keys of all entries", () => keepLedgerKeys(owner));
    const turn = new Date(Date.now() + BEFORE_THE_BOUNDARY_MS);
    await prepareMove(owner);
    for (const [name, boundary] of [["ledger", ledgerBoundary(turn)], ["jobs", jobsBoundary(turn)]] as const) {
      await step(
        `${name}_prove`,
        `Proving that all rows of the ${name} are older`,
        () => proveBoundary(owner, boundary),
      );
      await step(`${name}_move`, `Moving the ${name} below a partitioned table`, () => moveBelow(owner, boundary));
      await step(
        `${name}_detach`,
        `Detaching and attaching a partition of the ${name}`,
        () => detachAndAttach(owner, boundary),
      );
    }
    await step("foreign_keys", "Validating the foreign keys to jobs", () => validateForeignKeys(owner));
    onProgress("Waiting for the first rows of the next partition");
    await pause(turn.getTime() - Date.now() + AFTER_A_STEP_MS);
    await client.stop();
    await requireRowsIn(owner, [ledgerBoundary(turn), jobsBoundary(turn)]);
  } finally {
    owner.release();
    await service`reset role`;
    service.release();
  }
  return figures;
}

async function requireRowsIn(owner: postgres.Sql, boundaries: readonly Boundary[]): Promise<void> {
  for (const boundary of boundaries) {
    const next = nextPartition(boundary);
    const [found] = await owner.unsafe(`select exists (select from ${next}) as has_rows`);
    if (!found?.has_rows) throw new Error(`${next} has no rows.`);
  }
}

/** What exists once in the old partition is refused in the new one, and the books balance. */
async function requireGuards(sql: postgres.Sql): Promise<void> {
  const [old] = await sql`
    select user_id, job_id, transaction_id from private.quota_log_before where change > 0 and job_id is not null limit 1`;
  const [again] = await sql`
    select add_credits(${old?.user_id}, 5, 'refund', ${old?.job_id}) ->> 'success' as by_job,
      add_credits(${old?.user_id}, 5, 'refund', null, ${old?.transaction_id}) ->> 'success' as by_transaction`;
  if (again?.by_job !== "false" || again.by_transaction !== "false") throw new Error("A job was refunded twice.");
  const refused = [
    `select deduct_credits('${old?.user_id}', 5, 'video_generation', '${old?.job_id}')`,
    "update public.quota_log set change = 1 where id = (select max(id) from public.quota_log)",
    "truncate public.quota_log",
    "truncate private.quota_log_before",
    "truncate private.quota_log_next",
  ];
  for (const statement of refused) {
    const isDone = await sql.unsafe(statement).then(() => true, () => false);
    if (isDone) throw new Error(`This should have been refused: ${statement}`);
  }
}
