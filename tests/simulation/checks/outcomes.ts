import type { World } from "../world/world.ts";

/** Counts how the remaining jobs ended, by kind and provider, and which extras were skipped. */
export async function countOutcomes({ sql, counts }: World): Promise<void> {
  const endings = await sql`
    select case when status = 'failed' then 'failed: ' || error_code when video_path is null then 'completed: provider''s URL'
      else 'completed: stored' end as ending, count(*)::integer as count
    from video_jobs group by 1
    union all
    select kind || ' ' || status, count(*)::integer from video_jobs group by 1
    union all
    select status || ' by ' || (queued.steps -> 0 ->> 'provider'), count(*)::integer
    from video_jobs join private.job_queue as queued using (job_id) group by 1
    union all
    select 'skipped: ' || part, count(*)::integer from video_jobs, unnest(skipped_extras) as part
    where status = 'completed'
    group by 1
    union all
    select 'generation completed with extras', count(*)::integer from video_jobs
    where kind = 'generation' and status = 'completed' and step_names && array['mix', 'subtitles'] group by 1
    union all
    select 'completed with subtitles', count(*)::integer from video_jobs where subtitles_path is not null group by 1
  `;
  for (const { ending, count } of endings) counts.add("endings", String(ending), Number(count));
}
