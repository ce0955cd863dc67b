import type { NodeJob } from "../model/canvas.ts";
import type { World } from "./world.ts";

/** How many of these jobs have not ended. */
export async function jobsUnderWay({ sql, sequencer }: World, jobs: readonly NodeJob[]): Promise<number> {
  const ids = jobs.map(({ jobId }) => jobId);
  const rows = await sequencer.inTurn(async () =>
    await sql`select from video_jobs where job_id = any (${ids}::uuid[]) and completed_at is null`
  );
  return rows.length;
}
