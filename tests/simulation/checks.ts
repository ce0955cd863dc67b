import { z } from "zod";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** What must hold at every moment at which nothing is under way, by the books themselves. */
export async function checkMoney({ sql, counts }: World): Promise<void> {
  const refused = Object.keys(counts.toJSON()["sql errors"] ?? {});
  if (refused.length > 0) throw new Violation(`The database refused: ${refused.join("; ")}`);
  await mustBeEmpty("audit_credits", sql`select * from audit_credits()`);
  await mustBeEmpty("a negative balance", sql`select * from credit_balances where credits_remaining < 0`);
  await mustBeEmpty(
    "a job charged or refunded more than once, or with another amount",
    sql`
      select job_id, array_agg(change order by id) as changes from quota_log where job_id is not null group by job_id
      having count(*) filter (where change < 0) <> 1 or count(*) filter (where change > 0) > 1
        or sum(change) not in (0, min(change))
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

/** After a tick that nothing disturbed: whatever had its deadline is over, unless a worker has it (or died with it). */
export async function checkDeadlines({ sql }: World): Promise<void> {
  await mustBeEmpty(
    "an open job past its deadline",
    sql`
      select job_id, status, stage, attempt, deadline_at, next_check_at, lease_until, private.clock() as now
      from private.job_work join video_jobs using (job_id)
      where completed_at is null and deadline_at <= private.clock()
        and (lease_until is null or lease_until <= private.clock())
    `,
  );
}

/** When all has come to rest. */
export async function checkEnd(world: World): Promise<void> {
  const { sql } = world;
  await checkMoney(world);
  await mustBeEmpty("an open job", sql`select * from video_jobs where completed_at is null`);
  await mustBeEmpty(
    "a job that is still to be looked at",
    sql`select * from private.job_work where next_check_at is not null`,
  );
  await mustBeEmpty(
    "a key with two jobs in a day",
    sql`
      select * from (
        select job_id, created_at, substring(prompt from 'take (u\\d+-k\\d+)-') as key,
          lag(created_at) over (partition by substring(prompt from 'take (u\\d+-k\\d+)-') order by created_at) as before
        from video_jobs
      ) as jobs where created_at < before + interval '24 hours'
    `,
  );
  await checkFiles(world);
}

const completed = z.array(z.object({
  job_id: z.string(),
  user_id: z.string(),
  video_path: z.string().nullable(),
  video_url: z.string().nullable(),
  run_url: z.string(),
}));

/** A completed job has its video: in our bucket, as long as the provider's, or else at the provider. */
export async function checkFiles({ sql, bucket, provider }: World): Promise<void> {
  const jobs = completed.parse([
    ...await sql`
      select job_id, user_id, video_path, video_url, artifacts ->> 'video_url' as run_url
      from video_jobs join private.job_work using (job_id) where status = 'completed'
    `,
  ]);
  for (const job of jobs) {
    const size = provider.fileBytes(job.run_url);
    if (size === undefined) throw new Violation(`${job.job_id} has a video of no run: ${job.run_url}`);
    if (job.video_path === null) {
      if (job.video_url !== job.run_url) {
        throw new Violation(`${job.job_id} shows ${job.video_url}, not ${job.run_url}`);
      }
      continue;
    }
    const stored = bucket.files.get(job.video_path);
    if (job.video_path !== `${job.user_id}/${job.job_id}.mp4`) {
      throw new Violation(`${job.job_id} is at ${job.video_path}`);
    }
    if (stored !== size) throw new Violation(`${job.job_id} has ${stored} bytes stored of ${size}`);
  }
}

/** Each user's app, which asked for changes only, has what the database has. */
export async function checkMirrors({ sql, users }: World): Promise<void> {
  const rows = await sql`
    select user_id, job_id, status || ' ' || progress_percent || ' ' || private.iso_time(updated_at) as state from video_jobs
  `;
  const truth = new Map<string, Map<string, string>>();
  for (const { user_id, job_id, state } of rows) {
    truth.set(user_id, (truth.get(user_id) ?? new Map<string, string>()).set(String(job_id), String(state)));
  }
  for (const { id, mirror } of users) if (mirror.used) mirror.check(id, truth.get(id) ?? new Map());
}

/** The credits that were bought, as the ledger has them: by transaction. */
export async function purchases({ sql }: World): Promise<Map<string, number>> {
  const rows = await sql`select transaction_id, change from quota_log where reason = 'purchase'`;
  return new Map(rows.map(({ transaction_id, change }) => [String(transaction_id), Number(change)]));
}

async function mustBeEmpty(what: string, query: PromiseLike<readonly unknown[]>): Promise<void> {
  const rows = await query;
  if (rows.length > 0) throw new Violation(`There is ${what}: ${JSON.stringify(rows.slice(0, 3))} (${rows.length})`);
}
