import { z } from "zod";
import type { Json } from "./database.types.ts";
import { type AdminClient, callProcedure } from "./database.ts";
import { type JobErrorCode, jobErrors } from "./http/errors.ts";
import type { Phases } from "./http/phases.ts";
import type { Media } from "./providers/provider.ts";

/** The job as its owner sees it, but for the file paths, which become signed URLs. */
const jobSchema = z.object({
  job_id: z.string(),
  status: z.enum(["pending", "processing", "completed", "failed"]),
  video_path: z.string().nullable(),
  video_url: z.string().nullable(),
  thumbnail_path: z.string().nullable(),
  thumbnail_url: z.string().nullable(),
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
  progress: z.object({
    percent: z.number(),
    stage: z.string(),
    step: z.number(),
    steps: z.number(),
    queue_position: z.number().nullable(),
  }),
  updated_at: z.string(),
  version: z.string(),
  poll_after_ms: z.number().nullable(),
});
export type Job = z.infer<typeof jobSchema>;

/** A leased job: what its worker needs to know, and the one thing to do next. */
const workSchema = z.object({
  job_id: z.string(),
  user_id: z.string(),
  status: jobSchema.shape.status,
  action: z.enum(["submit", "check", "store", "expire", "give_up"]),
  step: z.object({
    name: z.string(),
    provider: z.string(),
    model: z.string(),
    input: z.record(z.string(), z.unknown()),
    produces: z.enum(["video_url", "thumbnail_url", "image_url", "audio_url"]),
  }),
  artifacts: z.object({ video_url: z.string().optional(), thumbnail_url: z.string().optional() }),
  attempt: z.number(),
  provider_job_id: z.string().nullable(),
  failures: z.number(),
  attempts_left: z.number(),
  start_within_seconds: z.number(),
  past_deadline: z.boolean(),
  age_ms: z.number(),
  copy_again: z.boolean(),
});
export type Work = z.infer<typeof workSchema>;

/** What a report changed, and the job as it is now: null for one that was deleted meanwhile. */
const transitionSchema = z.object({ applied: z.boolean(), job: jobSchema.nullable() });
export type Transition = z.infer<typeof transitionSchema>;

const advancedSchema = transitionSchema.extend({ work: workSchema.optional() });
const readSchema = z.object({ job: jobSchema, work: workSchema.nullable() }).nullable();
export type JobToRead = NonNullable<z.infer<typeof readSchema>>;

const wokenSchema = z
  .discriminatedUnion("outcome", [
    z.object({ outcome: z.literal("finished"), same_run: z.boolean() }),
    z.object({ outcome: z.literal("late_run"), work: workSchema }),
    z.object({ outcome: z.literal("woken"), work: workSchema.nullable() }),
  ])
  .nullable();
export type Woken = z.infer<typeof wokenSchema>;

const adoptedSchema = z.object({ work: workSchema, abandoned_provider_job_id: z.string().nullable() }).nullable();
const cancelledSchema = z.object({ cancelled: z.boolean(), job: jobSchema, work: workSchema }).nullable();

const failedSchema = transitionSchema.extend({ response: z.record(z.string(), z.unknown()).nullish() });

const pageSchema = z.object({
  videos: z.array(z.union([jobSchema, z.strictObject({ job_id: z.string(), deleted_at: z.string() })])),
  next: z.object({ at: z.string(), job_id: z.string() }).nullable(),
  server_time_ms: z.number(),
});
/** A page of a list of videos, among them the tombstones of deleted ones. */
export type VideoPage = z.infer<typeof pageSchema>;

const filesSchema = z.array(z.object({ bucket: z.string(), path: z.string() }));
/** Files in Storage that are to be deleted. */
export type StoredFiles = z.infer<typeof filesSchema>;

const erasedSchema = z.object({ files: filesSchema, runs: z.array(workSchema) });
const deletedSchema = erasedSchema.extend({ deleted: z.array(z.string()), not_found: z.array(z.string()) });

const startSchema = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("created"), response: z.record(z.string(), z.unknown()), work: workSchema }),
  z.object({ outcome: z.literal("replayed"), status_code: z.number(), response: z.record(z.string(), z.unknown()) }),
  z.object({ outcome: z.literal("idempotency_key_reused") }),
  z.object({ outcome: z.literal("user_not_found") }),
  z.object({ outcome: z.literal("model_not_found") }),
  z.object({
    outcome: z.literal("validation_failed"),
    issues: z.array(z.object({ path: z.string(), message: z.string() })),
  }),
  z.object({ outcome: z.literal("insufficient_credits"), current_credits: z.number(), required_credits: z.number() }),
  z.object({ outcome: z.enum(["too_many_active_jobs", "rate_limited"]), limit: z.number(), retry_after: z.number() }),
  z.object({
    outcome: z.literal("monthly_quota_reached"),
    limit: z.number(),
    used: z.number(),
    retry_after: z.number(),
  }),
  z.object({ outcome: z.literal("provider_unavailable"), retry_after: z.number() }),
]);
export type StartOutcome = z.infer<typeof startSchema>;

export interface GenerationRequest {
  userId: string;
  idempotencyKey: string;
  requestHash: string;
  modelId: string;
  prompt: string;
  settings: { [name: string]: Json };
  imageUrl?: string | undefined;
  imagePath?: string | undefined;
  nodeId?: string | undefined;
}

/**
 * How long a worker may take before another one may do its work again, in seconds: longer than the calls it makes
 * together, so that two workers at one job are rare.
 */
const LEASE_SECONDS = 60;

/** One typed method for each procedure of a job's life. Each throws `DatabaseError`. */
export class Jobs {
  constructor(
    private readonly client: AdminClient,
    private readonly phases: Phases,
  ) {}

  /** Charges and creates a job, or tells why not. */
  async start(request: GenerationRequest): Promise<StartOutcome> {
    return startSchema.parse(
      await callProcedure(this.client, this.phases, "start_generation", {
        p_user_id: request.userId,
        p_idempotency_key: request.idempotencyKey,
        p_request_hash: request.requestHash,
        p_model_id: request.modelId,
        p_prompt: request.prompt,
        p_settings: request.settings,
        p_lease_seconds: LEASE_SECONDS,
        ...(request.imageUrl === undefined ? {} : { p_image_url: request.imageUrl }),
        ...(request.imagePath === undefined ? {} : { p_image_path: request.imagePath }),
        ...(request.nodeId === undefined ? {} : { p_node_id: request.nodeId }),
      }),
    );
  }

  /** A user's job by its id or by its node, and its work if it was due and is now ours to do. */
  async read(userId: string, which: { jobId: string } | { nodeId: string }): Promise<JobToRead | null> {
    return readSchema.parse(
      await callProcedure(this.client, this.phases, "read_job", {
        p_user_id: userId,
        p_lease_seconds: LEASE_SECONDS,
        ...("jobId" in which ? { p_job_id: which.jobId } : { p_node_id: which.nodeId }),
      }),
    );
  }

  /** Leases up to `limit` due jobs. */
  async claimDue(limit: number): Promise<Work[]> {
    return z
      .array(workSchema)
      .parse(
        await callProcedure(this.client, this.phases, "claim_due_jobs", {
          p_limit: limit,
          p_lease_seconds: LEASE_SECONDS,
        }),
      );
  }

  /** Wakes the job of a run that a verified webhook tells of; null for an unknown job. */
  async wake(jobId: string, attempt: number, providerJobId: string): Promise<Woken> {
    return wokenSchema.parse(
      await callProcedure(this.client, this.phases, "wake_job", {
        p_job_id: jobId,
        p_attempt: attempt,
        p_provider_job_id: providerJobId,
        p_lease_seconds: LEASE_SECONDS,
      }),
    );
  }

  /** Makes a late run that has succeeded the job's current one; null when the job waits for none. */
  async adoptRun(work: Work, providerJobId: string): Promise<z.infer<typeof adoptedSchema>> {
    return adoptedSchema.parse(
      await callProcedure(this.client, this.phases, "adopt_run", {
        ...attemptOf(work),
        p_provider_job_id: providerJobId,
        p_lease_seconds: LEASE_SECONDS,
      }),
    );
  }

  /** Cancels and refunds a user's unfinished job; null for one that is not theirs. */
  async cancel(userId: string, jobId: string): Promise<z.infer<typeof cancelledSchema>> {
    return cancelledSchema.parse(
      await callProcedure(this.client, this.phases, "cancel_job", { p_user_id: userId, p_job_id: jobId }),
    );
  }

  /** A page of a user's videos, newest first. */
  async list(
    userId: string,
    page: { limit: number; status?: string | undefined; before?: { at: number; jobId: string } | undefined },
  ): Promise<VideoPage> {
    return pageSchema.parse(
      await callProcedure(this.client, this.phases, "list_videos", {
        p_user_id: userId,
        p_limit: page.limit,
        ...(page.status === undefined ? {} : { p_status: page.status }),
        ...(page.before === undefined
          ? {}
          : { p_before_microseconds: page.before.at, p_before_job_id: page.before.jobId }),
      }),
    );
  }

  /** A page of what changed in a user's videos since an instant, in the order of the changes. */
  async changed(
    userId: string,
    page: {
      sinceMs: number;
      limit: number;
      status?: string | undefined;
      after?: { untilMs: number; at: number; jobId: string } | undefined;
    },
  ): Promise<VideoPage> {
    return pageSchema.parse(
      await callProcedure(this.client, this.phases, "changed_videos", {
        p_user_id: userId,
        p_since_ms: page.sinceMs,
        p_limit: page.limit,
        ...(page.status === undefined ? {} : { p_status: page.status }),
        ...(page.after === undefined ? {} : {
          p_until_ms: page.after.untilMs,
          p_after_microseconds: page.after.at,
          p_after_job_id: page.after.jobId,
        }),
      }),
    );
  }

  /** Deletes videos of a user, refunding what was not delivered. */
  async delete(userId: string, jobIds: string[]): Promise<z.infer<typeof deletedSchema>> {
    return deletedSchema.parse(
      await callProcedure(this.client, this.phases, "delete_videos", { p_user_id: userId, p_job_ids: jobIds }),
    );
  }

  /** Deletes a user and anonymises their ledger. Safe to repeat. */
  async eraseAccount(userId: string): Promise<z.infer<typeof erasedSchema>> {
    return erasedSchema.parse(
      await callProcedure(this.client, this.phases, "erase_account", { p_user_id: userId }),
    );
  }

  /** Files that are to be deleted and may still be there. */
  async filesToDelete(limit: number): Promise<StoredFiles> {
    return filesSchema.parse(
      await callProcedure(this.client, this.phases, "list_files_to_delete", { p_limit: limit }),
    );
  }

  /** Notes that files are gone. */
  async recordDeletedFiles(files: StoredFiles): Promise<void> {
    await callProcedure(this.client, this.phases, "record_deleted_files", { p_files: files });
  }

  /** Counts a failed submission against its provider. True when that has just closed it to new requests. */
  async recordProviderFailure(provider: string, accountRefused: boolean): Promise<boolean> {
    return z
      .boolean()
      .parse(
        await callProcedure(this.client, this.phases, "record_provider_failure", {
          p_provider: provider,
          p_account_refused: accountRefused,
        }),
      );
  }

  /** Opens the next attempt of a refused submission; null when it is no longer ours to make. */
  async openAttempt(work: Work): Promise<Work | null> {
    return workSchema
      .nullable()
      .parse(
        await callProcedure(this.client, this.phases, "open_attempt", {
          p_job_id: work.job_id,
          p_attempt: work.attempt,
          p_lease_seconds: LEASE_SECONDS,
        }),
      );
  }

  async recordSubmission(work: Work, providerJobId: string): Promise<Transition> {
    return transitionSchema.parse(
      await callProcedure(this.client, this.phases, "record_submission", {
        ...attemptOf(work),
        p_provider_job_id: providerJobId,
      }),
    );
  }

  async recordProgress(
    work: Work,
    progress: { stage: "queued" | "generating"; percent: number | null; queuePosition: number | null },
  ): Promise<Transition> {
    return transitionSchema.parse(
      await callProcedure(this.client, this.phases, "record_progress", {
        ...attemptOf(work),
        p_stage: progress.stage,
        ...(progress.percent === null ? {} : { p_percent: Math.round(progress.percent) }),
        ...(progress.queuePosition === null ? {} : { p_queue_position: progress.queuePosition }),
      }),
    );
  }

  /** Ends the current step. After the last one the work to store the video comes back. */
  async advanceStep(work: Work, media: Media): Promise<Transition & { work?: Work | undefined }> {
    return advancedSchema.parse(
      await callProcedure(this.client, this.phases, "advance_step", { ...attemptOf(work), p_media: { ...media } }),
    );
  }

  /** Gives the current attempt up and submits the step anew after the delay. */
  async scheduleRetry(work: Work, delaySeconds: number): Promise<Transition> {
    return transitionSchema.parse(
      await callProcedure(this.client, this.phases, "schedule_retry", {
        ...attemptOf(work),
        p_delay_seconds: delaySeconds,
      }),
    );
  }

  /** Looks again after the delay; a delivered job without a delay is not looked at again. */
  async postpone(work: Work, delaySeconds: number | null): Promise<Transition> {
    return transitionSchema.parse(
      await callProcedure(this.client, this.phases, "postpone", {
        ...attemptOf(work),
        ...(delaySeconds === null ? {} : { p_delay_seconds: delaySeconds }),
      }),
    );
  }

  /** Delivers: our copy, or the provider's own URL, to be copied again after the delay or never. */
  async complete(
    work: Work,
    delivery: { path: string } | { copyAgainAfterSeconds: number | null },
  ): Promise<Transition> {
    return transitionSchema.parse(
      await callProcedure(this.client, this.phases, "complete_job", {
        ...attemptOf(work),
        ...("path" in delivery
          ? { p_video_path: delivery.path }
          : delivery.copyAgainAfterSeconds === null
          ? {}
          : { p_copy_again_after_seconds: delivery.copyAgainAfterSeconds }),
      }),
    );
  }

  /** The copy of a delivered video has arrived after all. */
  async recordStoredVideo(work: Work, path: string): Promise<Transition> {
    return transitionSchema.parse(
      await callProcedure(this.client, this.phases, "record_stored_video", {
        p_job_id: work.job_id,
        p_video_path: path,
      }),
    );
  }

  /** Fails and refunds. With `response` the submitting request still waits: that body becomes its key's answer. */
  async fail(
    work: Work,
    code: JobErrorCode,
    response?: { [name: string]: Json },
  ): Promise<Transition & { response?: Record<string, unknown> | null | undefined }> {
    return failedSchema.parse(
      await callProcedure(this.client, this.phases, "fail_job", {
        ...attemptOf(work),
        p_error_code: code,
        p_error_message: jobErrors[code].en,
        ...(response === undefined ? {} : { p_response: response }),
      }),
    );
  }
}

function attemptOf(work: Work): { p_job_id: string; p_attempt: number } {
  return { p_job_id: work.job_id, p_attempt: work.attempt };
}
