import { checkFiles, checkNothingIsLeft } from "./files.ts";
import { checkImportedBalances } from "./imports.ts";
import { checkTimings } from "./timings.ts";
import type { User } from "../model/user.ts";
import { PRICES } from "../model/prices.ts";
import type { Artifact } from "../model/submissions.ts";
import { Violation } from "../runtime/violation.ts";
import { MOST_CANCELLATIONS } from "../model/limits.ts";
import type { World } from "../world/world.ts";

/** What must hold whenever no operation is under way. */
export async function checkMoney(world: World): Promise<void> {
  const { sql, counts, imports } = world;
  const refused = Object.keys(counts.toJSON()["sql errors"] ?? {});
  if (refused.length > 0) throw new Violation(`The database refused: ${refused.join("; ")}`);
  // No worker came for a day: then a thumbnail waits to be given up. checkDeadlines looks for these after a tick.
  await mustBeEmpty(
    "audit_credits",
    sql`select * from audit_credits() where problem <> 'thumbnail_is_never_ended' or detail <> 'status completed'`,
  );
  await mustBeEmpty(
    "an address that was welcomed twice, or not once",
    sql`
      select welcomed, entries from (
          select count(*) as welcomed from private.addresses where welcomed_at is not null
            -- Who is imported brings a balance instead.
            and address_hmac <> all (select private.address_hmac(private.mailbox(address)) from unnest(
              ${imports.newAddresses}::text[]) as address)
        ) as known,
        (select count(*) as entries from quota_log where reason = 'welcome_credits') as booked
      where welcomed <> entries
    `,
  );
  await checkImportedBalances(world);
  await checkTimings(world);
  await mustBeEmpty("a negative balance", sql`select * from credit_balances where credits_remaining < 0`);
  await mustBeEmpty(
    "a job charged or refunded more than once, or with another amount",
    sql`
      select job_id, array_agg(change order by id) as changes from quota_log where job_id is not null group by job_id
      having count(*) filter (where change < 0) <> 1 or count(*) filter (where change > 0) > 1
        or sum(change) > 0 or sum(change) not in (0, min(change)) and not bool_or(reason = 'skipped_extras_refund')
    `,
  );
  await mustBeEmpty(
    "a delivered video that was not refunded for exactly what it was delivered without",
    sql`
      select job_id, skipped_extras, credits_refunded, refunded from (
        select *, array_remove(array[
          case when (settings ->> 'enable_voiceover')::boolean then 'voiceover' end,
          case when (settings ->> 'enable_music')::boolean and (settings ->> 'music_volume')::integer > 0
            then 'music' end], null) as asked,
          coalesce((select sum(change) from quota_log where quota_log.job_id = jobs.job_id and change > 0), 0) as refunded
        from video_jobs as jobs where status = 'completed'
      ) as jobs where refunded <> credits_refunded or refunded <>
        case when 'music' = any (skipped_extras) then ${PRICES.music}::integer else 0 end
        + case when 'voiceover' = any (skipped_extras) then ${PRICES.voiceover}::integer else 0 end
        + case when 'subtitles' = any (skipped_extras) then ${PRICES.subtitles}::integer else 0 end
        + case when cardinality(asked) > 0 and asked <@ skipped_extras then ${PRICES.mix}::integer else 0 end
    `,
  );
  await mustBeEmpty(
    "a day with more refunds of jobs that had started than allowed",
    sql`
      select user_id, created_at, count from (
        select *, count(*) over (partition by user_id order by created_at range between
          interval '1 day - 1 microsecond' preceding and current row) as count
        from quota_log where reason = 'cancelled_after_start_refund'
      ) as refunds where count > ${MOST_CANCELLATIONS}
        -- The deletion of an account refunds all its jobs at once.
        and user_id in (select id from auth.users)
    `,
  );
  await mustBeEmpty(
    "a balance after an entry that does not follow from the one before",
    sql`
      select * from (
        select *, lag(balance_after, 1, 0) over (partition by user_id order by id) as balance_before from quota_log
      ) as entries where balance_after <> balance_before + change
    `,
  );
}

/**
 * After a tick without faults that reached none of its limits, every job past its deadline has ended, unless a worker has
 * it or died with it. With a second of tolerance: each reading of the clock moves it, and a lease may run out between the
 * tick and this check.
 */
export async function checkDeadlines({ sql }: World): Promise<void> {
  await mustBeEmpty(
    "an open job past its deadline",
    sql`
      select job_id, status, stage, attempt, deadline_at, next_check_at, lease_until, private.clock() as now
      from private.job_queue join video_jobs using (job_id)
      where completed_at is null and deadline_at <= private.clock() - interval '1 second'
        and (lease_until is null or lease_until <= private.clock() - interval '1 second')
    `,
  );
  await mustBeEmpty(
    "a thumbnail past its deadline",
    sql`
      select job_id, attempt, deadline_at, next_check_at, private.clock() as now from private.thumbnail_work
      where greatest(deadline_at, next_check_at) <= private.clock() - interval '1 second'
    `,
  );
}

/** What must hold at the end of a run, when no work is left. */
export async function checkEnd(world: World): Promise<void> {
  const { sql } = world;
  await checkMoney(world);
  await mustBeEmpty("an open job", sql`select * from video_jobs where completed_at is null`);
  await mustBeEmpty(
    "a job that is still in the queue",
    sql`select * from private.job_queue where next_check_at is not null`,
  );
  await mustBeEmpty("a thumbnail without an end", sql`select * from private.thumbnail_work`);
  await mustBeEmpty("a run that still has to be cancelled", sql`select * from private.runs_to_cancel`);
  await mustBeEmpty("a file that still has to be deleted", sql`select * from private.files_to_delete`);
  await mustBeEmpty(
    "a key, or a request without one, with two jobs while it is bound",
    sql`
      select * from (
        select job_id, created_at, key, lag(created_at) over (partition by key order by created_at) as before
        from video_jobs, substring(prompt from 'take (u\\d+-[kr]\\d+(i\\d+)?)-') as key
        -- A request without a key is forgotten when its job fails or its owner ends it.
        where key ~ 'k' or key ~ 'r' and status <> 'failed'
      ) as jobs where created_at < before + case when key ~ 'k' then interval '24 hours' else interval '10 seconds' end
    `,
  );
  await checkFiles(world);
  await checkNothingIsLeft(world);
}

/** The results of all steps, without `video` and `thumbnail`: these are the newest of several steps. */
export async function artifactsOf({ sql }: World): Promise<Artifact[]> {
  const rows = await sql`
    select job_id as job, made.key as step, made.value ->> 'run' as run
    from private.job_queue, jsonb_each(artifacts) as made where made.key not in ('video', 'thumbnail')
  `;
  return rows.map(({ job, step, run }) => ({ job: String(job), step: String(step), run: String(run) }));
}

/** A deleted account has left only an anonymous ledger. Its files may remain while a worker can still write them. */
export async function checkGone({ sql }: World, leaving: readonly User[]): Promise<void> {
  const gone = leaving.filter(({ goneSince }) => goneSince < Infinity).map(({ id }) => id);
  await mustBeEmpty(
    "something left of a deleted account",
    sql`
      select * from (
        select 'user' as what, id as user_id from auth.users
        union all select 'balance', user_id from credit_balances
        union all select 'job', user_id from video_jobs
        union all select 'key', user_id from idempotency_log
        union all select 'tombstone', user_id from deleted_videos
        union all select 'usage', user_id from private.monthly_usage
        union all select 'upload', user_id from private.uploads
        union all select 'address', user_id from private.user_addresses
        union all select 'import', user_id from private.imported_users
        union all select 'imported video', user_id from private.imported_videos
        union all select 'canvas', owner_id from private.canvas_usage
        union all select 'project', owner_id from projects
        union all select 'membership', user_id from project_members
        union all select 'ledger', user_id from quota_log
      ) as rows where user_id = any(${gone}::uuid[])
    `,
  );
}

/** Each app, which asked for changes only, has the same as the database. */
export async function checkClientCaches({ sql, users }: World): Promise<void> {
  const rows = await sql`
    select user_id, job_id, status || ' ' || progress_percent || ' ' || private.iso_time(updated_at) as state from video_jobs
  `;
  const truth = new Map<string, Map<string, string>>();
  for (const { user_id, job_id, state } of rows) {
    truth.set(user_id, (truth.get(user_id) ?? new Map<string, string>()).set(String(job_id), String(state)));
  }
  for (const { id, cache, leaving } of users) {
    if (cache.used && !leaving) cache.check(id, truth.get(id) ?? new Map());
  }
}

/** The purchased credits in the ledger, by transaction. */
export async function purchases({ sql }: World): Promise<Map<string, number>> {
  const rows = await sql`select transaction_id, change from quota_log where reason = 'purchase'`;
  return new Map(rows.map(({ transaction_id, change }) => [String(transaction_id), Number(change)]));
}

async function mustBeEmpty(what: string, query: PromiseLike<readonly unknown[]>): Promise<void> {
  const rows = await query;
  if (rows.length > 0) throw new Violation(`There is ${what}: ${JSON.stringify(rows.slice(0, 3))} (${rows.length})`);
}
