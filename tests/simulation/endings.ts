import type { World } from "./world.ts";

/** Counts how the jobs ended, and what the mishaps cost us: files that nobody owns, runs that nobody wanted. */
export async function countEndings({ sql, counts, bucket, provider }: World): Promise<void> {
  const endings = await sql`
    select case when status = 'failed' then 'failed: ' || error_code when video_path is null then 'completed: provider''s URL'
      else 'completed: stored' end as ending, count(*)::integer as count
    from video_jobs group by 1
  `;
  for (const { ending, count } of endings) counts.add("endings", String(ending), Number(count));

  const owned = await sql`select video_path from video_jobs where video_path is not null`;
  counts.add("endings", "files without a job", bucket.files.size - owned.length);
  const delivered = await sql`
    select artifacts ->> 'video_url' as url from private.job_work join video_jobs using (job_id) where status = 'completed'
  `;
  const wanted = new Set(delivered.map(({ url }) => String(url).split("/")[4]));
  const wasted = provider.runs.filter((run) => run.billableUnits > 0 && !wanted.has(run.id));
  counts.add("endings", "billed runs", provider.runs.filter((run) => run.billableUnits > 0).length);
  counts.add("endings", "billed runs not delivered", wasted.length);
}
