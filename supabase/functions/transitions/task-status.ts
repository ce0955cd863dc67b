import type { Job } from "../_shared/database/records.ts";
import { json } from "../_shared/http/endpoint.ts";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { uuid } from "../_shared/http/fields.ts";
import { jobView } from "../_shared/jobs/view.ts";
import { readCurrentJob, retryAfterHeader } from "../_shared/jobs/read.ts";
import type { JobContext } from "../_shared/jobs/context.ts";

/** The status text while a step runs. Parts of a long video have a number behind their step's name. */
const RUNNING: Readonly<Record<string, string>> = {
  generate: "Processing frames...",
  frame: "Taking the last frame of a part...",
  join: "Joining the parts...",
  trim: "Cutting the video to its length...",
  voiceover: "Speaking the voiceover...",
  music: "Composing the music...",
  loudness: "Setting the volume of the music...",
  mix: "Mixing the sound...",
  subtitles: "Drawing the subtitles...",
};

const WAITING: Readonly<Record<string, string>> = {
  submitting: "Starting the next step...",
  queued: "Waiting in the queue...",
  storing: "Storing the video...",
};

/** GET /transitions/task-status/{task_id}/: the task, advanced first if it was due. */
export async function taskStatus(context: JobContext, id: string): Promise<Response> {
  const jobId = uuid.safeParse(id);
  const job = jobId.success ? await readCurrentJob(context, { jobId: jobId.data }) : null;
  if (job?.kind !== "transition") throw new RequestError("job_not_found");
  context.logFields.job_id = job.job_id;
  return json({ task_id: job.job_id, ...await stateOf(context, job) }, 200, retryAfterHeader(job));
}

async function stateOf(context: JobContext, job: Job): Promise<Record<string, unknown>> {
  switch (job.status) {
    case "pending":
      return { state: "PENDING", ready: false, info: null };
    case "processing":
      return {
        state: "PROCESSING",
        ready: false,
        info: { current: job.progress.percent, total: 100, status: activityOf(job) },
      };
    case "completed":
      return { state: "SUCCESS", ready: true, result: await resultOf(context, job) };
    case "failed": {
      const { error_message } = await jobView(context, job);
      return {
        state: "FAILURE",
        ready: true,
        error: `Failed to process video: ${error_message}`,
        error_code: job.error_code,
        credits_refunded: job.credits_refunded,
      };
    }
  }
}

function activityOf({ progress }: Job): string {
  return WAITING[progress.stage] ?? RUNNING[progress.step_name.replace(/_\d+$/, "")] ?? "Processing...";
}

async function resultOf(context: JobContext, job: Job): Promise<Record<string, unknown>> {
  const view = await jobView(context, job);
  return {
    // Both are the same row here: the requested transition and the generated one.
    transition_id: job.id,
    generated_transition_id: job.id,
    video_url: view.video_url,
    thumbnail_url: view.thumbnail_url,
    subtitles_url: view.subtitles_url,
    duration: job.settings.duration,
    status: "completed",
    skipped_extras: job.skipped_extras,
    credits_used: job.credits_used,
    credits_refunded: job.credits_refunded,
    created_at: job.created_at,
  };
}
