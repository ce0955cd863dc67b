import type { World } from "./world.ts";

/** Counts how the jobs that are still there ended, and the files that nobody owns. */
export async function countEndings({ sql, counts, bucket }: World): Promise<void> {
  const endings = await sql`
    select case when status = 'failed' then 'failed: ' || error_code when video_path is null then 'completed: provider''s URL'
      else 'completed: stored' end as ending, count(*)::integer as count
    from video_jobs group by 1
  `;
  for (const { ending, count } of endings) counts.add("endings", String(ending), Number(count));

  const owned = await sql`select video_path from video_jobs where video_path is not null`;
  counts.add("endings", "files without a job", bucket.files.size - owned.length);
}
