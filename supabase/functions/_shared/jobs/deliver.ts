import { completeJob, failJob, postpone, recordStoredVideo, type StoredPaths } from "../database/attempts.ts";
import type { Job, LeasedJob } from "../database/records.ts";
import { backoffSeconds } from "./backoff.ts";
import type { JobErrorCode } from "../errors/job-errors.ts";
import { deleteJobFiles, deleteUnwantedFiles, storeSubtitles, storeThumbnail, storeVideo } from "./files.ts";
import { errorText } from "../runtime/log.ts";
import { ProviderError } from "../providers/provider.ts";
import { MediaError } from "../storage/media-error.ts";
import type { JobContext } from "./context.ts";

const COPY_BACKOFF = { base: 5, cap: 900 };
/** A file that is missing right after its run may only be late at the provider's edge. */
const CHECKS_FOR_A_MISSING_FILE = 3;

/**
 * Delivers a job whose steps are done: copies the video into our bucket, with what belongs to it, and completes the job.
 * Where Storage is in trouble the job is completed with the provider's own URL, and the copy is made later; or, where
 * nobody else can open that, the copy is tried until the deadline. Throws `DatabaseError`.
 */
export async function deliver(context: JobContext, leased: LeasedJob): Promise<Job | null> {
  let subtitles: StoredPaths = {};
  let stored: StoredPaths & { video: string };
  try {
    // First what is small and of the client's own making: a delivered video has its subtitles.
    subtitles = await storeSubtitles(context, leased);
    if (context.environment.VIDEO_STORAGE === "provider" && leased.files_are_public) {
      return await deleteUnwantedFiles(context, leased, (await completeJob(context, leased, subtitles)).job);
    }
    const video = await storeVideo(context, leased);
    stored = { video, ...subtitles, ...await storeThumbnail(context, leased) };
  } catch (error) {
    context.log("warn", "copy_failed", { job_id: leased.job_id, attempt: leased.attempt, error: errorText(error) });
    return await deleteUnwantedFiles(context, leased, await afterFailedCopy(context, leased, error, subtitles));
  }
  return await complete(context, leased, stored);
}

async function complete(
  context: JobContext,
  leased: LeasedJob,
  stored: StoredPaths & { video: string },
): Promise<Job | null> {
  let delivered = leased.status === "completed"
    ? await recordStoredVideo(context, leased, stored)
    : await completeJob(context, leased, stored);
  if (delivered.job?.status === "completed" && delivered.job.video_path === null) {
    // Another worker was faster and had to complete it with the provider's URL; by now it may rely on this very file.
    delivered = await recordStoredVideo(context, leased, stored);
  }
  context.log("info", "job_completed", {
    job_id: leased.job_id,
    attempt: leased.attempt,
    age_ms: leased.age_ms,
    applied: delivered.applied,
  });
  if (delivered.job?.video_path !== stored.video) await deleteJobFiles(context, leased);
  return delivered.job;
}

async function afterFailedCopy(
  context: JobContext,
  leased: LeasedJob,
  error: unknown,
  stored: StoredPaths,
): Promise<Job | null> {
  const again = backoffSeconds(leased.failures, COPY_BACKOFF, context.random);
  const finalError = finalErrorOf(error, leased);
  if (leased.status === "completed") {
    const givenUp = finalError !== null || !leased.copy_again;
    if (givenUp) {
      context.log("alert", "copy_given_up", { job_id: leased.job_id, code: finalError });
    }
    return (await postpone(context, leased, givenUp ? null : again)).job;
  }
  if (isStorageTrouble(error) && leased.files_are_public && context.environment.VIDEO_STORAGE === "supabase") {
    // What Storage will never take stays with the provider: the run is billed, and the user has the video.
    if (finalError !== null) context.log("alert", "copy_given_up", { job_id: leased.job_id, code: finalError });
    const copyAgain = finalError === null ? { copyAgainAfterSeconds: again } : {};
    return (await completeJob(context, leased, { ...stored, ...copyAgain })).job;
  }
  if (finalError === null && !leased.past_deadline) {
    return (await postpone(context, leased, again)).job;
  }
  return await fail(context, leased, finalError ?? (isStorageTrouble(error) ? "storage_failed" : "timeout"));
}

async function fail(context: JobContext, leased: LeasedJob, code: JobErrorCode): Promise<Job | null> {
  const failed = await failJob(context, leased, code);
  if (failed.applied && code === "storage_failed") {
    context.log("alert", "video_lost", { job_id: leased.job_id, credits_refunded: failed.job?.credits_refunded });
  }
  return failed.job;
}

/** The video is there and may be served from where it is: only our side of the copy failed. */
function isStorageTrouble(error: unknown): boolean {
  return error instanceof MediaError && !error.code.startsWith("media_");
}

/** Why there will never be a video; null when another try may find one. */
function finalErrorOf(error: unknown, leased: LeasedJob): JobErrorCode | null {
  if (error instanceof MediaError) {
    if (error.code === "storage_too_large") return "storage_failed";
    return error.retryable || isStorageTrouble(error) ? null : "media_unusable";
  }
  if (!(error instanceof ProviderError) || error.kind !== "rejected") return null;
  const mayBeLate = error.code === "result_expired" && leased.failures + 1 < CHECKS_FOR_A_MISSING_FILE;
  return mayBeLate ? null : error.code;
}
