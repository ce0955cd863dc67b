/** Creating jobs. */

import { z } from "zod";
import { callProcedure, type DatabaseContext } from "./client.ts";
import type { Json } from "./database.types.ts";
import { LEASE_SECONDS, leasedJobSchema } from "./records.ts";

/** What makes a repeated request the same request. */
export interface RequestIdentity {
  idempotencyKey: string;
  requestHash: string;
  /** How long the key is bound, if not as long as `app_settings` says. */
  keySeconds?: number | undefined;
  /** The keys of the whole batch that the request is part of. */
  siblingKeys?: string[] | undefined;
  /** The `since` of the items before it in the batch: with it all of them are a repeat, or none is. */
  batchSince?: string | undefined;
}

export interface GenerationRequest extends RequestIdentity {
  userId: string;
  kind: "generation" | "transition";
  /** Without it the catalogue chooses. */
  modelId?: string | undefined;
  /** Instead of its id: the model's name, or its provider's id of it. */
  modelName?: string | undefined;
  prompt: string;
  settings: { [name: string]: Json };
  imageUrl?: string | undefined;
  imagePath?: string | undefined;
  tailImageUrl?: string | undefined;
  tailImagePath?: string | undefined;
  nodeId?: string | undefined;
  /** Whether `nodeId` must be a node of a project, and may be no free name. */
  needsNode?: boolean | undefined;
  /** The most that the user agreed to pay. */
  maxCredits?: number | undefined;
}

const newVideoSchema = z.object({ id: z.number(), created_at: z.string() });

const startSchema = z.discriminatedUnion("outcome", [
  z.object({
    outcome: z.literal("created"),
    response: z.record(z.string(), z.unknown()),
    leased_job: leasedJobSchema,
    since: z.string(),
    video: newVideoSchema,
  }),
  z.object({
    outcome: z.literal("replayed"),
    status_code: z.number(),
    response: z.record(z.string(), z.unknown()),
    since: z.string(),
    /** Null once the job is deleted. */
    video: newVideoSchema.nullable(),
  }),
  z.object({ outcome: z.literal("idempotency_key_reused") }),
  z.object({ outcome: z.enum(["model_not_found", "node_not_found"]) }),
  z.object({
    outcome: z.literal("validation_failed"),
    issues: z.array(z.object({ path: z.string(), message: z.string() })),
  }),
  z.object({ outcome: z.literal("price_changed"), required_credits: z.number() }),
  z.object({ outcome: z.literal("insufficient_credits"), current_credits: z.number(), required_credits: z.number() }),
  z.object({
    outcome: z.enum(["too_many_active_jobs", "rate_limited", "refusal_limit_reached"]),
    limit: z.number(),
    retry_after: z.number(),
  }),
  z.object({
    outcome: z.literal("monthly_quota_reached"),
    limit: z.number(),
    used: z.number(),
    retry_after: z.number(),
  }),
  z.object({ outcome: z.enum(["input_missing", "input_refused"]), path: z.string() }),
  z.object({
    outcome: z.literal("input_unchecked"),
    path: z.string(),
    content_type: z.string(),
    version: z.string(),
    bytes: z.number().nullable(),
  }),
  z.object({ outcome: z.literal("provider_unavailable"), retry_after: z.number() }),
]);
export type StartOutcome = z.infer<typeof startSchema>;

/** Charges and creates a job, or returns why not. Throws `DatabaseError`. */
export async function startGeneration(
  context: DatabaseContext,
  request: GenerationRequest,
  /** The address of the functions, for links in nodes where the database does not know it. */
  functionsUrl: string | undefined,
): Promise<StartOutcome> {
  return await callProcedure(context, startSchema, "start_generation", {
    p_user_id: request.userId,
    p_idempotency_key: request.idempotencyKey,
    p_request_hash: request.requestHash,
    ...(request.siblingKeys === undefined ? {} : { p_sibling_keys: request.siblingKeys }),
    ...(request.batchSince === undefined ? {} : { p_batch_since: request.batchSince }),
    ...(request.keySeconds === undefined ? {} : { p_key_seconds: request.keySeconds }),
    p_lease_seconds: LEASE_SECONDS,
    p_request: {
      kind: request.kind,
      model_id: request.modelId,
      model_name: request.modelName,
      prompt: request.prompt,
      settings: request.settings,
      image_url: request.imageUrl,
      image_path: request.imagePath,
      tail_image_url: request.tailImageUrl,
      tail_image_path: request.tailImagePath,
      node_id: request.nodeId,
      needs_node: request.needsNode,
      max_credits: request.maxCredits,
      functions_url: functionsUrl,
    },
  });
}
