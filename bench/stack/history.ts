import type postgres from "postgres";
import { MODEL } from "./requests.ts";
import { CREDITS } from "./users.ts";

/** Videos of one user at most. */
const MOST_OF_ONE_USER = 100_000;
const JOBS_OF_A_USER = 20;
const ACTIVE = 5_000;
const DUE = 5_000;

/** The id of the user with the most videos; other users follow. */
export const HEAVY_USER = userId(1);

function userId(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;
}

const USER_ID = "('00000000-0000-4000-8000-' || lpad(to_hex(place), 12, '0'))::uuid";

/**
 * Writes the history of a service: so many finished jobs of a year with their queue rows, charges and accounts, one user
 * with a tenth of them, and before them so many charges and refunds of jobs that were deleted since. Statistics are made,
 * and not again.
 */
export async function writeHistory(sql: postgres.Sql, jobs: number, oldEntries = 0): Promise<void> {
  const heavy = Math.min(MOST_OF_ONE_USER, Math.floor(jobs / 10));
  const users = usersOf(jobs);
  await sql.begin(async (transaction) => {
    // Without triggers: these rows are as the procedures would have written them.
    await transaction`set local session_replication_role = replica`;
    await transaction.unsafe(`
      insert into auth.users (id, email, email_confirmed_at, created_at, updated_at)
      select ${USER_ID}, place || '@history.example', now(), now(), now() from generate_series(1, ${users}) as place;
      insert into public.credit_balances (user_id, credits_remaining)
      select ${USER_ID}, ${CREDITS} from generate_series(1, ${users}) as place;
      insert into public.quota_log (user_id, change, reason, balance_after, created_at)
      select user_id, credits_remaining, 'bench', credits_remaining, now() - interval '2 years'
      from public.credit_balances;`);
    await withoutIndexes(transaction, async () => {
      await insertOldEntries(transaction, users, oldEntries);
      await insertJobs(transaction, { from: 1, to: jobs, status: "completed", users, heavy });
    });
  });
  await sql`alter system set autovacuum = off`;
  await sql`select pg_reload_conf()`;
  await sql`vacuum analyze`;
}

/**
 * Adds jobs that run, and as many that are due, after the statistics were made: the planner does not know of them, as in
 * the first minutes of a busy hour.
 */
export async function addUnfinishedJobs(sql: postgres.Sql, jobs: number): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`set local session_replication_role = replica`;
    await insertJobs(transaction, {
      from: jobs + 1,
      to: jobs + ACTIVE + DUE,
      status: "processing",
      users: usersOf(jobs),
      heavy: 0,
    });
    await transaction`
      update private.job_queue set next_check_at = now() - interval '10 minutes'
      where job_id in (select job_id from public.video_jobs where status = 'processing' limit ${DUE})`;
  });
}

/** Makes jobs whose run is under way and must be looked at now, and returns their ids. */
export async function insertDueJobs(sql: postgres.Sql, count: number): Promise<string[]> {
  const { jobs } = await sql.begin(async (transaction) => {
    await transaction`set local session_replication_role = replica`;
    await insertJobs(transaction, { from: 1, to: count, status: "processing", users: count, heavy: 0 });
    return {
      jobs: await transaction<{ job_id: string }[]>`
        update private.job_queue set next_check_at = now() - interval '10 minutes'
        where job_id in (select job_id from public.video_jobs where xmin = pg_current_xact_id()::xid) returning job_id`,
    };
  });
  return jobs.map(({ job_id }) => job_id);
}

/** How many users have so many jobs. */
function usersOf(jobs: number): number {
  return 1 + Math.ceil(jobs / JOBS_OF_A_USER);
}

/** Writes many rows in a quarter of the time: their indexes, but for the primary keys, are built afterwards. */
async function withoutIndexes(sql: postgres.TransactionSql, write: () => Promise<void>): Promise<void> {
  const indexes = await sql<{ remove: string; make: string }[]>`
    select
      case when named.oid is null then format('drop index %s', indexrelid::regclass)
        else format('alter table %s drop constraint %I', indrelid::regclass, conname) end as remove,
      case when named.oid is null then pg_get_indexdef(indexrelid)
        else format('alter table %s add constraint %I %s', indrelid::regclass, conname, pg_get_constraintdef(named.oid))
        end as make
    from pg_index left join pg_constraint as named on conindid = indexrelid and contype = 'u'
    where indrelid in ('public.video_jobs'::regclass, 'private.job_queue'::regclass, 'public.quota_log'::regclass)
      and not indisprimary`;
  for (const { remove } of indexes) await sql.unsafe(remove);
  await write();
  await sql`set local maintenance_work_mem = '512MB'`;
  for (const { make } of indexes) await sql.unsafe(make);
}

/** Each job was charged and refunded, so that no balance changes. */
async function insertOldEntries(sql: postgres.TransactionSql, users: number, entries: number): Promise<void> {
  await sql.unsafe(`
    insert into public.quota_log (user_id, change, reason, job_id, transaction_id, balance_after, created_at)
    select ${USER_ID}, change, reason, job_id, kind || job_id, ${CREDITS} + least(change, 0), created_at
    from (
      select 1 + number % ${users} as place, private.new_job_id(created_at) as job_id, created_at
      from (
        select number, now() - interval '2 years' + interval '1 year' * number / ${entries / 2 || 1} as created_at
        from generate_series(1, ${entries / 2}) as number
      ) as times
    ) as jobs, (values (-5, 'video_generation', 'charge:'), (5, 'refund', 'refund:')) as booked (change, reason, kind)`);
}

interface JobRows {
  from: number;
  to: number;
  status: "completed" | "processing";
  users: number;
  /** So many of the first are the heavy user's. */
  heavy: number;
}

async function insertJobs(sql: postgres.TransactionSql, { from, to, status, users, heavy }: JobRows): Promise<void> {
  const finished = status === "completed";
  await sql.unsafe(`
    create temporary table new_jobs on commit drop as
    -- As they came.
    select ${
    from - 1
  } + row_number() over (order by created_at) as number, private.new_job_id(created_at) as job_id, created_at, place
    from (
      select now() - ${finished ? "random() * interval '1 year'" : "interval '3 minutes'"} as created_at,
        case when number <= ${heavy} then 1 else 2 + number % ${users - 1} end as place
      from generate_series(${from}, ${to}) as number) as jobs;
    insert into public.video_jobs (
      job_id, user_id, model_id, prompt, settings, status, stage, progress_percent, step, steps, step_names, provider,
      seconds, credits_used, video_path, created_at, updated_at, completed_at)
    select job_id, ${USER_ID}, model_id, 'A lighthouse in the fog, take ' || number, '{"duration": 5, "fps": 30}',
      '${status}', '${finished ? "completed" : "generating"}', ${finished ? 100 : 20}, ${finished ? 1 : 0}, 1,
      '{generate}', jsonb_build_object('name', 'fal', 'model', provider_model_id, 'request_id', number::text),
      5, 5, ${finished ? "'videos/' || job_id || '.mp4'" : "null"}, created_at, created_at,
      ${finished ? "created_at + interval '2 minutes'" : "null"}
    from new_jobs, (select id as model_id, provider_model_id from public.models where id = '${MODEL}') as model;
    insert into private.job_queue (
      job_id, steps, step, attempt, attempts_of_step, submitted_at, provider_job_id, next_check_at, deadline_at,
      step_deadline_at)
    select job_id, steps, ${finished ? 1 : 0}, 1, 1, created_at, number::text,
      ${finished ? "null" : "now() + interval '1 hour'"}, now() + interval '5 hours', now() + interval '5 hours'
    from new_jobs, (
      select private.build_steps(models, 'A lighthouse', null, null, '{"duration": 5}') as steps
      from public.models where id = '${MODEL}') as built;
    insert into public.quota_log (user_id, change, reason, job_id, transaction_id, balance_after, created_at)
    select jobs.user_id, -5, 'video_generation', job_id, 'charge:' || job_id,
      credits_remaining - 5 * row_number() over (partition by jobs.user_id order by number), jobs.created_at
    from new_jobs join public.video_jobs as jobs using (job_id) join public.credit_balances using (user_id)
    order by number;
    update public.credit_balances as balances set credits_remaining = credits_remaining - spent.credits
    from (
      select user_id, 5 * count(*) as credits from new_jobs join public.video_jobs using (job_id) group by user_id
    ) as spent where spent.user_id = balances.user_id`);
  await sql`drop table new_jobs`;
}
