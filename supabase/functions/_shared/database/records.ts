/** What the procedures of a job's life answer with, checked where it comes in. */

import { z } from "zod";

/** The job as its owner sees it, but for the file paths, which become signed URLs. */
export const jobSchema = z.object({
  job_id: z.string(),
  id: z.number(),
  user_id: z.string(),
  kind: z.enum(["generation", "transition"]),
  status: z.enum(["pending", "processing", "completed", "failed"]),
  video_path: z.string().nullable(),
  video_url: z.string().nullable(),
  thumbnail_path: z.string().nullable(),
  thumbnail_url: z.string().nullable(),
  subtitles_path: z.string().nullable(),
  /** The extras that the video was delivered without, at its owner's wish. */
  skipped_extras: z.array(z.string()),
  created_at: z.string(),
  completed_at: z.string().nullable(),
  prompt: z.string(),
  model_id: z.string(),
  settings: z.record(z.string(), z.unknown()),
  node_id: z.string().nullable(),
  credits_used: z.number(),
  credits_refunded: z.number(),
  error_code: z.string().nullable(),
  error_message: z.string().nullable(),
  attempts: z.number(),
  /** Who made the video last, or is making it. */
  provider: z.object({ name: z.string(), model: z.string(), request_id: z.string().nullable() }),
  progress: z.object({
    percent: z.number(),
    stage: z.string(),
    step: z.number(),
    steps: z.number(),
    step_name: z.string(),
    queue_position: z.number().nullable(),
  }),
  updated_at: z.string(),
  version: z.string(),
  poll_after_ms: z.number().nullable(),
});
export type Job = z.infer<typeof jobSchema>;

/** A file that a step made, at the provider that made it. */
const artifactSchema = z.object({ url: z.string(), provider: z.string() });
export type Artifact = z.infer<typeof artifactSchema>;

/** A leased job: what its worker needs to know, and the one thing to do next. */
export const leasedJobSchema = z.object({
  job_id: z.string(),
  user_id: z.string(),
  status: jobSchema.shape.status,
  action: z.enum(["submit", "check", "store", "expire", "give_up"]),
  step: z.object({
    name: z.string(),
    provider: z.string(),
    model: z.string(),
    input: z.record(z.string(), z.unknown()),
    produces: z.enum(["video_url", "image_url", "audio_url"]),
    /** The path to its video in the run's output, where the model's row names one. */
    output: z.string().nullish(),
    /** Whether the video may be delivered without it. */
    optional: z.boolean(),
  }),
  artifacts: z.record(z.string(), artifactSchema),
  attempt: z.number(),
  provider_job_id: z.string().nullable(),
  failures: z.number(),
  attempts_of_step: z.number(),
  attempts_left: z.number(),
  start_within_seconds: z.number(),
  past_deadline: z.boolean(),
  age_ms: z.number(),
  settings: jobSchema.shape.settings,
  /** Whether others can open what its provider made: else it is delivered by our own copy or not at all. */
  files_are_public: z.boolean(),
  copy_again: z.boolean(),
});
export type LeasedJob = z.infer<typeof leasedJobSchema>;

/** What a report changed, and the job as it is now: null for one that was deleted meanwhile. */
export const changeSchema = z.object({ applied: z.boolean(), job: jobSchema.nullable() });
export type Change = z.infer<typeof changeSchema>;

export const advancedSchema = changeSchema.extend({ leased_job: leasedJobSchema.optional() });
export const readSchema = z.object({ job: jobSchema, leased_job: leasedJobSchema.nullable() }).nullable();
export type JobToRead = NonNullable<z.infer<typeof readSchema>>;

export const wokenSchema = z
  .discriminatedUnion("outcome", [
    z.object({ outcome: z.literal("finished"), same_run: z.boolean() }),
    z.object({ outcome: z.literal("late_run"), leased_job: leasedJobSchema }),
    z.object({ outcome: z.literal("woken"), leased_job: leasedJobSchema.nullable() }),
  ])
  .nullable();
export type Woken = z.infer<typeof wokenSchema>;

export const adoptedSchema = z.object({ leased_job: leasedJobSchema, abandoned_provider_job_id: z.string().nullable() })
  .nullable();

/** The code of a limit, how many it allows, and the seconds until it allows the next. */
const limitSchema = z.object({
  outcome: z.literal("cancel_limit_reached"),
  limit: z.number(),
  retry_after: z.number(),
});

export const cancelSchema = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("cancelled"), job: jobSchema, leased_job: leasedJobSchema }),
  z.object({ outcome: z.literal("check_run"), leased_job: leasedJobSchema }),
  z.object({ outcome: z.literal("not_cancellable"), job: jobSchema, leased_job: leasedJobSchema.nullish() }),
  limitSchema,
]).nullable();
export type CancelOutcome = z.infer<typeof cancelSchema>;

export const failedSchema = changeSchema.extend({ response: z.record(z.string(), z.unknown()).nullish() });

export const pageSchema = z.object({
  videos: z.array(z.union([jobSchema, z.strictObject({ job_id: z.string(), deleted_at: z.string() })])),
  next: z.object({ at: z.string(), job_id: z.string() }).nullable(),
  server_time_ms: z.number(),
  /** From when on deletions are told; a list of changes only. */
  deletions_since: z.string().optional(),
});
/** A page of a list of videos, among them the tombstones of deleted ones. */
export type VideoPage = z.infer<typeof pageSchema>;

export const filesSchema = z.array(z.object({ bucket: z.string(), path: z.string() }));
/** Files in Storage that are to be deleted. */
export type StoredFiles = z.infer<typeof filesSchema>;

export const deletedSchema = z.object({
  files: filesSchema,
  runs: z.array(leasedJobSchema),
  deleted: z.array(z.string()),
  not_found: z.array(z.string()),
  not_deleted: z.array(z.object({ job_id: z.string(), code: limitSchema.shape.outcome })),
  runs_to_check: z.array(leasedJobSchema),
});
export type Deletion = z.infer<typeof deletedSchema>;

/** A run that is to be cancelled, by what its provider needs to know of it. */
export const runSchema = leasedJobSchema.pick({ job_id: true, attempt: true }).extend({
  provider_job_id: z.string(),
  step: leasedJobSchema.shape.step.pick({ provider: true, model: true }),
});
export const runToCancelSchema = runSchema.extend({ is_last_try: z.boolean() });
export type RunToCancel = z.infer<typeof runToCancelSchema>;

export const startSchema = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("created"), response: z.record(z.string(), z.unknown()), leased_job: leasedJobSchema }),
  z.object({ outcome: z.literal("replayed"), status_code: z.number(), response: z.record(z.string(), z.unknown()) }),
  z.object({ outcome: z.literal("idempotency_key_reused") }),
  z.object({ outcome: z.literal("model_not_found") }),
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
