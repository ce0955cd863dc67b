import { z } from "zod";
import type { Api, User } from "./api.ts";

const started = z.object({ job_id: z.string(), credits_used: z.number(), credits_remaining: z.number() });
const job = z.object({
  job_id: z.string(),
  status: z.enum(["pending", "processing", "completed", "failed"]),
  video_url: z.string().nullable(),
  error_message: z.string().nullable(),
  error_code: z.string().nullable(),
  credits_used: z.number(),
  progress: z.object({ percent: z.number(), stage: z.string(), step_name: z.string() }),
  poll_after_ms: z.number().nullable(),
});

/** The answer to a request for a video. */
export type Started = z.infer<typeof started>;
/** A video as `get-video-status` describes it. */
export type Job = z.infer<typeof job>;

const DEFAULT_POLL_MS = 2000;

/** Asks for a video. */
export async function generate(api: Api, user: User, modelId: string, prompt: string): Promise<Started> {
  return await api.call(user, "/functions/v1/generate-video", started, {
    method: "POST",
    headers: { "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify({ model_id: modelId, prompt }),
  });
}

/** Asks for the video's status, as often as the server says, until the job has ended. */
export async function waitForVideo(api: Api, user: User, jobId: string, show: (job: Job) => void): Promise<Job> {
  while (true) {
    const now = await api.call(user, `/functions/v1/get-video-status?job_id=${jobId}`, job);
    show(now);
    if (now.status === "completed" || now.status === "failed") return now;
    await new Promise((resolve) => setTimeout(resolve, now.poll_after_ms ?? DEFAULT_POLL_MS));
  }
}
