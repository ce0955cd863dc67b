/** Creating, reading and leasing jobs. Each function calls the procedure of its name and throws `DatabaseError`. */

import { z } from "zod";
import { attemptOf } from "./attempts.ts";
import { callProcedure, type DatabaseContext } from "./client.ts";
import type { Json } from "./database.types.ts";
import { jobSchema, LEASE_SECONDS, type LeasedJob, leasedJobSchema, readableJobs } from "./records.ts";
import type { Log } from "../runtime/log.ts";

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

/** Charges and creates a job, or returns why not. */
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

const jobAndLeaseSchema = z.object({ job: jobSchema, leased_job: leasedJobSchema.nullable() });
/** Made once: `nullable()` takes a tenth of the time that a poll takes in a function. */
const readJobSchema = jobAndLeaseSchema.nullable();
/** A user's job, and its lease where the job was due and this request got it. */
export type JobAndLease = z.infer<typeof jobAndLeaseSchema>;

/** A user's job by its id or by its node; leased to us if it was due. */
export async function readJob(
  context: DatabaseContext,
  userId: string,
  which: { jobId: string } | { nodeId: string },
): Promise<JobAndLease | null> {
  return await callProcedure(context, readJobSchema, "read_job", {
    p_user_id: userId,
    p_lease_seconds: LEASE_SECONDS,
    ...("jobId" in which ? { p_job_id: which.jobId } : { p_node_id: which.nodeId }),
  });
}

const nodeJobSchema = jobAndLeaseSchema.extend({
  /** The link that the job's node got; null for a job that is not the newest of a node. */
  video_url: z.string().nullable(),
});

/** As `readJob`, also for members of the project of the job's node. */
export async function readNodeJob(
  context: DatabaseContext,
  userId: string,
  which: { jobId: string } | { nodeId: string },
): Promise<z.infer<typeof nodeJobSchema> | null> {
  return await callProcedure(context, nodeJobSchema.nullable(), "read_node_job", {
    p_user_id: userId,
    p_lease_seconds: LEASE_SECONDS,
    ...("jobId" in which ? { p_job_id: which.jobId } : { p_node_id: which.nodeId }),
  });
}

const dueJobSchema = leasedJobSchema.extend({ due_at: z.string() });

/**
 * Leases due jobs: so many at most that are to be looked at or submitted, and so many whose video is to be copied. With the
 * `due_at` of jobs leased before, only those are looked at that were due then.
 */
export async function leaseDueJobs(
  context: DatabaseContext & { log: Log },
  most: { jobs: number; copies: number },
  dueAt?: string,
): Promise<z.infer<typeof dueJobSchema>[]> {
  const rows = await callProcedure(context, z.array(z.unknown()), "lease_due_jobs", {
    p_limit: most.jobs,
    p_lease_seconds: LEASE_SECONDS,
    p_copies: most.copies,
    ...(dueAt === undefined ? {} : { p_due_at: dueAt }),
  });
  return readableJobs(context.log, dueJobSchema, rows);
}

const wakeSchema = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("finished"), same_run: z.boolean() }),
  z.object({ outcome: z.enum(["late_run", "thumbnail"]), leased_job: leasedJobSchema }),
  z.object({ outcome: z.literal("woken"), leased_job: leasedJobSchema.nullable() }),
]);
export type WakeOutcome = z.infer<typeof wakeSchema>;

/** Makes the job of a run due, after a verified webhook; null for an unknown job. */
export async function wakeJob(
  context: DatabaseContext,
  jobId: string,
  attempt: number,
  providerJobId: string,
): Promise<WakeOutcome | null> {
  return await callProcedure(context, wakeSchema.nullable(), "wake_job", {
    p_job_id: jobId,
    p_attempt: attempt,
    p_provider_job_id: providerJobId,
    p_lease_seconds: LEASE_SECONDS,
  });
}

const wokenRunSchema = z.object({ job_id: z.string(), attempt: z.number() }).and(wakeSchema).nullable();

/** Makes the job of a run due, after a verified webhook that names no job; null for the run of no job. */
export async function wakeRun(
  context: DatabaseContext,
  provider: string,
  providerJobId: string,
): Promise<z.infer<typeof wokenRunSchema>> {
  return await callProcedure(context, wokenRunSchema, "wake_run", {
    p_provider: provider,
    p_provider_job_id: providerJobId,
    p_lease_seconds: LEASE_SECONDS,
  });
}

const adoptedSchema = z.object({ leased_job: leasedJobSchema, abandoned_provider_job_id: z.string().nullable() })
  .nullable();

/** Makes a late run that has succeeded the job's current run; null when the job waits for none. */
export async function adoptRun(
  context: DatabaseContext,
  leased: LeasedJob,
  providerJobId: string,
): Promise<z.infer<typeof adoptedSchema>> {
  return await callProcedure(context, adoptedSchema, "adopt_run", {
    ...attemptOf(leased),
    p_provider_job_id: providerJobId,
    p_lease_seconds: LEASE_SECONDS,
  });
}
