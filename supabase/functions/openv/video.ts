import { z } from "zod";
import type { Job } from "../_shared/database/records.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { jobViews } from "../_shared/jobs/view.ts";

const viewSchema = z.object({
  video_url: z.string().nullable(),
  thumbnail_url: z.string().nullable(),
  error_message: z.string().nullable(),
});

/** Jobs as OpenV's clients know them. A field that has no value is left out, as its type says. */
export async function videosOf(context: JobContext, jobs: Job[]): Promise<Record<string, unknown>[]> {
  const views = await jobViews(context, jobs);
  return jobs.map((job, index) => {
    const { video_url, thumbnail_url, error_message } = viewSchema.parse(views[index]);
    return {
      id: job.id,
      jobId: job.job_id,
      userId: job.user_id,
      prompt: job.prompt,
      // `queued` is what the provider has not taken yet: some clients poll only while something is `processing`.
      status: job.status === "pending" ? "queued" : job.status,
      ...(video_url === null ? {} : { url: video_url }),
      ...(thumbnail_url === null ? {} : { thumbnailUrl: thumbnail_url }),
      ...(typeof job.settings.num_frames === "number" ? { frames: job.settings.num_frames } : {}),
      createdAt: job.created_at,
      updatedAt: job.updated_at,
      modelId: job.model_id,
      progress: job.progress.percent,
      attempts: job.attempts,
      creditsUsed: job.credits_used,
      creditsRefunded: job.credits_refunded,
      ...(job.error_code === null ? {} : { errorCode: job.error_code, errorMessage: error_message }),
    };
  });
}
