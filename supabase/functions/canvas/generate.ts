import { z } from "zod";
import type { GenerationRequest } from "../_shared/database/new-jobs.ts";
import { readBody } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { canonicalJson, sha256Hex } from "../_shared/http/fingerprint.ts";
import { identityOf, optionalKey } from "../_shared/http/idempotency-key.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { requireOwnFile, startJob } from "../_shared/jobs/start.ts";
import { submitLater } from "../_shared/jobs/submit-later.ts";
import { nodeVideoBody, settingsOf } from "./request.ts";

const responseSchema = z.object({ job_id: z.string(), credits_used: z.number(), credits_remaining: z.number() });

/**
 * POST /canvas/api/ai/generate-video: a video for a node of a project, by the catalogue's default model. Charged and
 * created at once, submitted after the answer.
 */
export async function generateForNode(context: JobContext, request: Request): Promise<Response> {
  const key = optionalKey(request);
  const { max_credits: maxCredits, ...body } = await readBody(request, nodeVideoBody);
  requireOwnFile(context, "image_path", body.image_path);
  const { node_id, prompt, image_url, image_path } = body;
  const wish: GenerationRequest = {
    kind: "generation",
    userId: context.userId,
    ...identityOf(key, await sha256Hex(canonicalJson(["canvas", body]))),
    prompt,
    settings: settingsOf(body),
    imageUrl: image_url ?? undefined,
    imagePath: image_path ?? undefined,
    nodeId: node_id,
    needsNode: true,
    maxCredits: maxCredits ?? undefined,
  };
  const started = await startJob(context, wish, "");
  if (started.outcome === "created") submitLater(context, started.leased_job);
  const { job_id, credits_used, credits_remaining } = responseSchema.parse(started.response);
  context.logFields.job_id = job_id;
  return json(
    { job_id, node_id, status: "PENDING", result: null, error: null, credits_used, credits_remaining },
    200,
    started.outcome === "replayed" ? { "X-Idempotent-Replay": "true" } : {},
  );
}
