import { Violation } from "../runtime/violation.ts";
import type { World } from "../world/world.ts";

/** Every ended job has its timings, which are the parts of its life: none is negative, and together they are all of it. */
export async function checkTimings({ sql }: World): Promise<void> {
  const wrong = await sql`
    select jobs.job_id, to_jsonb(timings) as timings
    from video_jobs as jobs left join private.job_timings as timings using (job_id)
    where jobs.completed_at is not null and jobs.imported_from is null and not coalesce(
      least(queued, generating, storing, told) >= 0 and queued + generating + coalesce(storing, 0) = total
        and (timings.status = 'failed' or storing is not null), false)
  `;
  if (wrong.length > 0) throw new Violation(`The timings of a job are wrong: ${JSON.stringify(wrong.slice(0, 3))}`);
}
