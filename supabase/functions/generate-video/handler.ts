import { z } from "zod";
import { readBody } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { idempotencyKey } from "../_shared/http/idempotency-key.ts";
import { startVideo } from "../_shared/jobs/new-video.ts";
import { requireOwnFile } from "../_shared/jobs/start.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { generateVideoBody, requestFingerprint } from "./request.ts";

const logFieldsSchema = z.object({ job_id: z.string(), code: z.string().optional() });

/** POST /generate-video: charges, creates the job and submits it, or answers with the exact reason why not. */
export async function generateVideo(context: JobContext, request: Request): Promise<Response> {
  const key = idempotencyKey(request);
  const body = await readBody(request, generateVideoBody);
  if (body.user_id && body.user_id !== context.userId) {
    throw new RequestError("forbidden");
  }

  requireOwnFile(context, "image_path", body.image_path);

  const { status, response, replayed } = await startVideo(context, {
    kind: "generation",
    userId: context.userId,
    idempotencyKey: key,
    requestHash: await requestFingerprint(body),
    modelId: body.model_id,
    prompt: body.prompt,
    settings: body.settings ?? {},
    imageUrl: body.image_url ?? undefined,
    imagePath: body.image_path ?? undefined,
    nodeId: body.node_id ?? undefined,
    maxCredits: body.max_credits ?? undefined,
  });
  Object.assign(context.logFields, logFieldsSchema.parse(response));
  return json(response, status, replayed ? { "X-Idempotent-Replay": "true" } : {});
}
