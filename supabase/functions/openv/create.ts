import { z } from "zod";
import type { GenerationRequest } from "../_shared/database/new-jobs.ts";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { readBody } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { canonicalJson, sha256Hex } from "../_shared/http/fingerprint.ts";
import { identityOf, optionalKey } from "../_shared/http/idempotency-key.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { startVideo } from "../_shared/jobs/new-video.ts";
import { createBody, settingsOf } from "./request.ts";

const failureSchema = z.object({ job_id: z.string(), code: z.string() });
const startedSchema = z.object({ job_id: z.string(), credits_used: z.number(), credits_remaining: z.number() });

/** POST /openv/api/runpod: charges, creates the job and submits it, as POST /generate-video does, and answers the video. */
export async function createVideo(context: JobContext, request: Request): Promise<Response> {
  const key = optionalKey(request);
  const { maxCredits, ...body } = await readBody(request, createBody);
  const { modelName, input } = body;
  const wish: GenerationRequest = {
    kind: "generation",
    userId: context.userId,
    ...identityOf(key, await sha256Hex(canonicalJson(["openv", body]))),
    modelName,
    prompt: input.positive_prompt,
    settings: settingsOf(input),
    maxCredits: maxCredits ?? undefined,
  };
  const { status, response, video, replayed } = await startVideo(context, wish, "input");
  const headers: Record<string, string> = replayed ? { "X-Idempotent-Replay": "true" } : {};
  if (status !== 200) {
    Object.assign(context.logFields, failureSchema.parse(response));
    return json(response, status, headers);
  }

  const { job_id, credits_used, credits_remaining } = startedSchema.parse(response);
  context.logFields.job_id = job_id;
  if (video === null) throw new RequestError("job_not_found");
  return json(
    {
      id: video.id,
      jobId: job_id,
      userId: context.userId,
      prompt: input.positive_prompt,
      status: "queued",
      frames: input.num_frames,
      createdAt: video.created_at,
      updatedAt: video.created_at,
      creditsUsed: credits_used,
      creditsRemaining: credits_remaining,
    },
    200,
    headers,
  );
}
