import { z } from "zod";
import type { Json } from "./database.types.ts";
import { type AdminClient, callProcedure } from "./client.ts";
import { type JobErrorCode, jobErrors } from "../errors/job-errors.ts";
import type { ServerTiming } from "../runtime/server-timing.ts";
import {
  adoptedSchema,
  advancedSchema,
  type CancelOutcome,
  cancelSchema,
  type Change,
  changeSchema,
  deletedSchema,
  type Deletion,
  failedSchema,
  filesSchema,
  type JobToRead,
  type LeasedJob,
  leasedJobSchema,
  pageSchema,
  readSchema,
  type RunToCancel,
  runToCancelSchema,
  type StartOutcome,
  startSchema,
  type StoredFiles,
  type VideoPage,
  type Woken,
  wokenSchema,
} from "./records.ts";
import type { Media, RunState } from "../providers/provider.ts";

export interface GenerationRequest {
  userId: string;
  idempotencyKey: string;
  requestHash: string;
  /** The keys of the whole batch that it is one of. */
  siblingKeys?: string[] | undefined;
  kind: "generation" | "transition";
  /** A transition may leave the choice to the catalogue. */
  modelId?: string | undefined;
  prompt: string;
  settings: { [name: string]: Json };
  imageUrl?: string | undefined;
  imagePath?: string | undefined;
  tailImageUrl?: string | undefined;
  tailImagePath?: string | undefined;
  nodeId?: string | undefined;
  /** The most that the caller agreed to pay. */
  maxCredits?: number | undefined;
}

/** What has just been seen of runs at their providers, by their ids; of an `unknown` one nothing could be. */
export type SeenRuns = { [runId: string]: RunState["state"] | "unknown" };

/** What a submission tells of its provider's health: `answered`, whatever it said; `not_sent`: nothing. */
export type ProviderAnswer = "answered" | "failed" | "account_refused" | "not_sent";

/** Which files of a job are in the bucket of videos, by their paths there. */
export interface StoredPaths {
  video?: string;
  thumbnail?: string;
  subtitles?: string;
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
    private readonly timing: ServerTiming,
  ) {}

  /** Charges and creates a job, or tells why not. */
  async start(request: GenerationRequest): Promise<StartOutcome> {
    return startSchema.parse(
      await callProcedure(this.client, this.timing, "start_generation", {
        p_user_id: request.userId,
        p_idempotency_key: request.idempotencyKey,
        p_request_hash: request.requestHash,
        ...(request.siblingKeys === undefined ? {} : { p_sibling_keys: request.siblingKeys }),
        p_lease_seconds: LEASE_SECONDS,
        p_request: {
          kind: request.kind,
          model_id: request.modelId,
          prompt: request.prompt,
          settings: request.settings,
          image_url: request.imageUrl,
          image_path: request.imagePath,
          tail_image_url: request.tailImageUrl,
          tail_image_path: request.tailImagePath,
          node_id: request.nodeId,
          max_credits: request.maxCredits,
        },
      }),
    );
  }

  /** A user's job by its id or by its node, and its work if it was due and is now ours to do. */
  async read(userId: string, which: { jobId: string } | { nodeId: string }): Promise<JobToRead | null> {
    return readSchema.parse(
      await callProcedure(this.client, this.timing, "read_job", {
        p_user_id: userId,
        p_lease_seconds: LEASE_SECONDS,
        ...("jobId" in which ? { p_job_id: which.jobId } : { p_node_id: which.nodeId }),
      }),
    );
  }

  /** Leases up to `limit` due jobs. */
  async leaseDue(limit: number): Promise<LeasedJob[]> {
    return z
      .array(leasedJobSchema)
      .parse(
        await callProcedure(this.client, this.timing, "lease_due_jobs", {
          p_limit: limit,
          p_lease_seconds: LEASE_SECONDS,
        }),
      );
  }

  /** Wakes the job of a run that a verified webhook tells of; null for an unknown job. */
  async wake(jobId: string, attempt: number, providerJobId: string): Promise<Woken> {
    return wokenSchema.parse(
      await callProcedure(this.client, this.timing, "wake_job", {
        p_job_id: jobId,
        p_attempt: attempt,
        p_provider_job_id: providerJobId,
        p_lease_seconds: LEASE_SECONDS,
      }),
    );
  }

  /** Makes a late run that has succeeded the job's current one; null when the job waits for none. */
  async adoptRun(leased: LeasedJob, providerJobId: string): Promise<z.infer<typeof adoptedSchema>> {
    return adoptedSchema.parse(
      await callProcedure(this.client, this.timing, "adopt_run", {
        ...attemptOf(leased),
        p_provider_job_id: providerJobId,
        p_lease_seconds: LEASE_SECONDS,
      }),
    );
  }

  /** Cancels and refunds a user's unfinished job, or tells why not; null for one that is not theirs. */
  async cancel(userId: string, jobId: string, seen: SeenRuns): Promise<CancelOutcome> {
    return cancelSchema.parse(
      await callProcedure(this.client, this.timing, "cancel_job", {
        p_user_id: userId,
        p_job_id: jobId,
        p_run_states: seen,
        p_lease_seconds: LEASE_SECONDS,
      }),
    );
  }

  /** A page of a user's videos, newest first. */
  async list(
    userId: string,
    page: {
      limit: number;
      status?: string | undefined;
      nodeId?: string | undefined;
      before?: { at: number; jobId: string } | undefined;
    },
  ): Promise<VideoPage> {
    return pageSchema.parse(
      await callProcedure(this.client, this.timing, "list_videos", {
        p_user_id: userId,
        p_limit: page.limit,
        ...(page.status === undefined ? {} : { p_status: page.status }),
        ...(page.nodeId === undefined ? {} : { p_node_id: page.nodeId }),
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
      await callProcedure(this.client, this.timing, "changed_videos", {
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
  async delete(userId: string, jobIds: string[], seen: SeenRuns): Promise<Deletion> {
    return deletedSchema.parse(
      await callProcedure(this.client, this.timing, "delete_videos", {
        p_user_id: userId,
        p_job_ids: jobIds,
        p_run_states: seen,
      }),
    );
  }

  /** Deletes a user, with all that is theirs, and anonymises their ledger. */
  async eraseAccount(userId: string): Promise<void> {
    await callProcedure(this.client, this.timing, "erase_account", { p_user_id: userId });
  }

  /** Deletes up to `limit` finished videos of a user who is about to leave; how many there were. */
  async deleteFinished(userId: string, limit: number): Promise<number> {
    return z.number().parse(
      await callProcedure(this.client, this.timing, "delete_finished_videos", { p_user_id: userId, p_limit: limit }),
    );
  }

  /** A page of a user's files that are to be deleted; the next one begins after its last file. */
  async filesOfUser(userId: string, limit: number, after?: StoredFiles[number]): Promise<StoredFiles> {
    return filesSchema.parse(
      await callProcedure(this.client, this.timing, "list_files_of_user", {
        p_user_id: userId,
        p_limit: limit,
        ...(after === undefined ? {} : { p_after_bucket: after.bucket, p_after_path: after.path }),
      }),
    );
  }

  /** Runs of users who have left, to be cancelled now. */
  async leaseRunsToCancel(limit: number): Promise<RunToCancel[]> {
    return z.array(runToCancelSchema).parse(
      await callProcedure(this.client, this.timing, "lease_runs_to_cancel", { p_limit: limit }),
    );
  }

  /** Notes that nothing is left to do about a run that was to be cancelled. */
  async recordCancelledRun(run: RunToCancel): Promise<void> {
    await callProcedure(this.client, this.timing, "record_cancelled_run", {
      p_provider: run.step.provider,
      p_provider_job_id: run.provider_job_id,
    });
  }

  /** Files that are to be deleted and may still be there. */
  async filesToDelete(limit: number): Promise<StoredFiles> {
    return filesSchema.parse(
      await callProcedure(this.client, this.timing, "list_files_to_delete", { p_limit: limit }),
    );
  }

  /** Notes that files are gone. */
  async recordDeletedFiles(files: StoredFiles): Promise<void> {
    await callProcedure(this.client, this.timing, "record_deleted_files", { p_files: files });
  }

  /** Puts a file that could not be deleted at the end of the list. */
  async postponeFile(file: StoredFiles[number]): Promise<void> {
    await callProcedure(this.client, this.timing, "postpone_file", { p_bucket: file.bucket, p_path: file.path });
  }

  /** Notes what a submission tells of its provider's health. True when that has just closed it to new requests. */
  async recordProviderAnswer(leased: LeasedJob, answer: ProviderAnswer): Promise<boolean> {
    return z
      .boolean()
      .parse(
        await callProcedure(this.client, this.timing, "record_provider_answer", {
          p_provider: leased.step.provider,
          p_answer: answer,
          p_job_id: leased.job_id,
        }),
      );
  }

  /** Opens the next attempt of a refused submission; null when it is no longer ours to make. */
  async openAttempt(leased: LeasedJob): Promise<LeasedJob | null> {
    return leasedJobSchema
      .nullable()
      .parse(
        await callProcedure(this.client, this.timing, "open_attempt", {
          p_job_id: leased.job_id,
          p_attempt: leased.attempt,
          p_lease_seconds: LEASE_SECONDS,
        }),
      );
  }

  async recordSubmission(leased: LeasedJob, providerJobId: string): Promise<Change> {
    return changeSchema.parse(
      await callProcedure(this.client, this.timing, "record_submission", {
        ...attemptOf(leased),
        p_provider_job_id: providerJobId,
      }),
    );
  }

  async recordProgress(
    leased: LeasedJob,
    progress: { stage: "queued" | "generating"; percent: number | null; queuePosition: number | null },
  ): Promise<Change> {
    return changeSchema.parse(
      await callProcedure(this.client, this.timing, "record_progress", {
        ...attemptOf(leased),
        p_stage: progress.stage,
        ...(progress.percent === null ? {} : { p_percent: Math.round(progress.percent) }),
        ...(progress.queuePosition === null ? {} : { p_queue_position: progress.queuePosition }),
      }),
    );
  }

  /** Ends the current step with what it made, and leases the next to us: to be submitted, or the video to be stored. */
  async advanceStep(leased: LeasedJob, media: Media): Promise<Change & { leased_job?: LeasedJob | undefined }> {
    return advancedSchema.parse(
      await callProcedure(this.client, this.timing, "advance_step", {
        ...attemptOf(leased),
        p_media: { ...media },
        p_lease_seconds: LEASE_SECONDS,
      }),
    );
  }

  /** Goes on to the next step without what the current one, an optional one, was to make. */
  async skipStep(leased: LeasedJob): Promise<Change & { leased_job?: LeasedJob | undefined }> {
    return advancedSchema.parse(
      await callProcedure(this.client, this.timing, "skip_step", {
        ...attemptOf(leased),
        p_lease_seconds: LEASE_SECONDS,
      }),
    );
  }

  /** Gives the current attempt up and submits the step anew after the delay. */
  async scheduleRetry(leased: LeasedJob, delaySeconds: number): Promise<Change> {
    return changeSchema.parse(
      await callProcedure(this.client, this.timing, "schedule_retry", {
        ...attemptOf(leased),
        p_delay_seconds: delaySeconds,
      }),
    );
  }

  /** Looks again after the delay; a delivered job without a delay is not looked at again. */
  async postpone(leased: LeasedJob, delaySeconds: number | null): Promise<Change> {
    return changeSchema.parse(
      await callProcedure(this.client, this.timing, "postpone", {
        ...attemptOf(leased),
        ...(delaySeconds === null ? {} : { p_delay_seconds: delaySeconds }),
      }),
    );
  }

  /** Delivers: our copies, or the provider's own URL, to be copied again after the delay or never. */
  async complete(leased: LeasedJob, delivery: StoredPaths & { copyAgainAfterSeconds?: number }): Promise<Change> {
    return changeSchema.parse(
      await callProcedure(this.client, this.timing, "complete_job", {
        ...attemptOf(leased),
        ...storedPaths(delivery),
        ...(delivery.copyAgainAfterSeconds === undefined
          ? {}
          : { p_copy_again_after_seconds: delivery.copyAgainAfterSeconds }),
      }),
    );
  }

  /** The copy of a delivered video has arrived after all. */
  async recordStoredVideo(leased: LeasedJob, paths: StoredPaths & { video: string }): Promise<Change> {
    return changeSchema.parse(
      await callProcedure(this.client, this.timing, "record_stored_video", {
        p_job_id: leased.job_id,
        p_video_path: paths.video,
        ...storedPaths(paths),
      }),
    );
  }

  /** Fails and refunds. With `response` the submitting request still waits: that body becomes its key's answer. */
  async fail(
    leased: LeasedJob,
    code: JobErrorCode,
    response?: { [name: string]: Json },
  ): Promise<Change & { response?: Record<string, unknown> | null | undefined }> {
    return failedSchema.parse(
      await callProcedure(this.client, this.timing, "fail_job", {
        ...attemptOf(leased),
        p_error_code: code,
        p_error_message: jobErrors[code].en,
        ...(response === undefined ? {} : { p_response: response }),
      }),
    );
  }
}

function storedPaths(paths: StoredPaths): {
  p_video_path?: string;
  p_thumbnail_path?: string;
  p_subtitles_path?: string;
} {
  return {
    ...(paths.video === undefined ? {} : { p_video_path: paths.video }),
    ...(paths.thumbnail === undefined ? {} : { p_thumbnail_path: paths.thumbnail }),
    ...(paths.subtitles === undefined ? {} : { p_subtitles_path: paths.subtitles }),
  };
}

function attemptOf(leased: LeasedJob): { p_job_id: string; p_attempt: number } {
  return { p_job_id: leased.job_id, p_attempt: leased.attempt };
}
