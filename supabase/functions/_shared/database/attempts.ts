/**
 * What a worker reports of the attempt that it has leased. Each function calls the procedure of its name and throws
 * `DatabaseError`. A report of an attempt that is no longer the current one changes nothing: `applied` is false then.
 */

import { z } from "zod";
import { callProcedure, type DatabaseContext } from "./client.ts";
import type { Json } from "./database.types.ts";
import {
  type Change,
  changeSchema,
  type Job,
  jobSchema,
  LEASE_SECONDS,
  type LeasedJob,
  leasedJobSchema,
} from "./records.ts";
import { type JobErrorCode, jobErrors } from "../errors/job-errors.ts";
import type { Media } from "../providers/provider.ts";

/** Which files of a job are in the bucket of videos, by their paths there. */
export interface StoredPaths {
  video?: string;
  thumbnail?: string;
  subtitles?: string;
}

/** A video in that bucket, and the size that it must have there to be delivered. */
export interface StoredVideo {
  path: string;
  bytes: number;
}

/** The arguments by which a procedure knows the attempt. */
export function attemptOf(leased: LeasedJob): { p_job_id: string; p_attempt: number } {
  return { p_job_id: leased.job_id, p_attempt: leased.attempt };
}

/** Opens the next attempt after a refused submission; null when another worker has the job. */
export async function openAttempt(context: DatabaseContext, leased: LeasedJob): Promise<LeasedJob | null> {
  return await callProcedure(context, leasedJobSchema.nullable(), "open_attempt", {
    ...attemptOf(leased),
    p_lease_seconds: LEASE_SECONDS,
  });
}

export async function recordSubmission(
  context: DatabaseContext,
  leased: LeasedJob,
  providerJobId: string,
): Promise<Change> {
  return await callProcedure(context, changeSchema, "record_submission", {
    ...attemptOf(leased),
    p_provider_job_id: providerJobId,
  });
}

/** What a provider says of a run that goes on. */
export interface Progress {
  stage: "queued" | "generating";
  percent: number | null;
  queuePosition: number | null;
}

export async function recordProgress(context: DatabaseContext, leased: LeasedJob, progress: Progress): Promise<Change> {
  return await callProcedure(context, changeSchema, "record_progress", {
    ...attemptOf(leased),
    p_stage: progress.stage,
    ...(progress.percent === null ? {} : { p_percent: Math.round(progress.percent) }),
    ...(progress.queuePosition === null ? {} : { p_queue_position: progress.queuePosition }),
  });
}

const seenJobsSchema = z.array(jobSchema.pick({ job_id: true, status: true }));

/** As `recordProgress`, for several jobs; returns the status of each, null where the job is gone. */
export async function recordLooks(
  context: DatabaseContext,
  looks: readonly { leased: LeasedJob; progress: Progress }[],
): Promise<(Pick<Job, "status"> | null)[]> {
  const jobs = await callProcedure(context, seenJobsSchema, "record_looks", {
    p_looks: looks.map(({ leased, progress }) => ({
      job_id: leased.job_id,
      attempt: leased.attempt,
      stage: progress.stage,
      percent: progress.percent === null ? null : Math.round(progress.percent),
      queue_position: progress.queuePosition,
    })),
  });
  const found = new Map(jobs.map((job) => [job.job_id, job]));
  return looks.map(({ leased }) => found.get(leased.job_id) ?? null);
}

const nextStepSchema = changeSchema.extend({ leased_job: leasedJobSchema.nullish() });
/** The job in its next step, and its lease where the step is ours to start. */
export type NextStep = z.infer<typeof nextStepSchema>;

/** What we do after a step: the next one is leased to us; a copy that we leave is due for whoever comes first. */
interface Next {
  leavesCopy: boolean;
}

/** Ends the current step with what it made, and leases the next one to us. */
export async function advanceStep(
  context: DatabaseContext,
  leased: LeasedJob,
  media: Media,
  { leavesCopy }: Next,
): Promise<NextStep> {
  return await callProcedure(context, nextStepSchema, "advance_step", {
    ...attemptOf(leased),
    p_media: { ...media },
    p_lease_seconds: LEASE_SECONDS,
    p_leaves_copy: leavesCopy,
  });
}

/** Ends the current step, which is optional, without a result, and leases the next one to us. */
export async function skipStep(context: DatabaseContext, leased: LeasedJob, { leavesCopy }: Next): Promise<NextStep> {
  return await callProcedure(context, nextStepSchema, "skip_step", {
    ...attemptOf(leased),
    p_lease_seconds: LEASE_SECONDS,
    p_leaves_copy: leavesCopy,
  });
}

/** Ends the current attempt; the step is submitted again after the delay. */
export async function scheduleRetry(
  context: DatabaseContext,
  leased: LeasedJob,
  delaySeconds: number,
): Promise<Change> {
  return await callProcedure(context, changeSchema, "schedule_retry", {
    ...attemptOf(leased),
    p_delay_seconds: delaySeconds,
  });
}

/** Has the job checked again after the delay. A delivered job without a delay is not checked again. */
export async function postpone(
  context: DatabaseContext,
  leased: LeasedJob,
  delaySeconds: number | null,
): Promise<Change> {
  return await callProcedure(context, changeSchema, "postpone", {
    ...attemptOf(leased),
    ...(delaySeconds === null ? {} : { p_delay_seconds: delaySeconds }),
  });
}

const storedSchema = changeSchema.extend({
  /** False: Storage does not have a file of the size, and nothing was changed. */
  is_stored: z.literal(false).optional(),
});
export type Stored = z.infer<typeof storedSchema>;

const deliveredSchema = storedSchema.extend({ leased_thumbnail: leasedJobSchema.nullish() });
/** The job as it was delivered, and the lease of its thumbnail. */
type Delivered = z.infer<typeof deliveredSchema>;

/** Delivers our copies, or the provider's own URL, which is copied again after the delay or never. */
export async function completeJob(
  context: DatabaseContext,
  leased: LeasedJob,
  delivery: { video?: StoredVideo; subtitles?: string; copyAgainAfterSeconds?: number },
): Promise<Delivered> {
  return await callProcedure(context, deliveredSchema, "complete_job", {
    ...attemptOf(leased),
    ...(delivery.video === undefined ? {} : { p_video_path: delivery.video.path, p_video_bytes: delivery.video.bytes }),
    ...(delivery.subtitles === undefined ? {} : { p_subtitles_path: delivery.subtitles }),
    ...(delivery.copyAgainAfterSeconds === undefined
      ? {}
      : { p_copy_again_after_seconds: delivery.copyAgainAfterSeconds }),
    ...toldNow(context),
  });
}

/** Records the late copy of a video that was delivered with its provider's URL. */
export async function recordStoredVideo(
  context: DatabaseContext,
  leased: LeasedJob,
  { video, thumbnail, subtitles }: Omit<StoredPaths, "video"> & { video: StoredVideo },
): Promise<Stored> {
  return await callProcedure(context, storedSchema, "record_stored_video", {
    p_job_id: leased.job_id,
    p_video_path: video.path,
    p_video_bytes: video.bytes,
    ...(thumbnail === undefined ? {} : { p_thumbnail_path: thumbnail }),
    ...(subtitles === undefined ? {} : { p_subtitles_path: subtitles }),
  });
}

const failedSchema = changeSchema.extend({ response: z.record(z.string(), z.unknown()).nullish() });
export type Failed = z.infer<typeof failedSchema>;

/** Fails and refunds. `response` is given where the first request still waits: it becomes the answer of its key. */
export async function failJob(
  context: DatabaseContext,
  leased: LeasedJob,
  code: JobErrorCode,
  response?: { [name: string]: Json },
): Promise<Failed> {
  return await callProcedure(context, failedSchema, "fail_job", {
    ...attemptOf(leased),
    p_error_code: code,
    p_error_message: jobErrors[code].en,
    ...(response === undefined ? {} : { p_response: response }),
    ...toldNow(context),
  });
}

function toldNow({ ownerWaits }: DatabaseContext): { p_told?: boolean } {
  return ownerWaits?.() ? { p_told: true } : {};
}
