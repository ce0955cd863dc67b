import {
  completeJob,
  failJob,
  postpone,
  recordStoredVideo,
  type Stored,
  type StoredPaths,
  type StoredVideo,
} from "../database/attempts.ts";
import type { Job, LeasedJob } from "../database/records.ts";
import { backoffSeconds } from "./backoff.ts";
import type { JobErrorCode } from "../errors/job-errors.ts";
import {
  deleteJobFiles,
  deleteUnwantedFiles,
  deleteVideo,
  storeSubtitles,
  storeThumbnail,
  storeVideo,
} from "./files.ts";
import { beginThumbnail } from "./thumbnail.ts";
import { errorText } from "../runtime/log.ts";
import { ProviderError } from "../providers/provider.ts";
import { MediaError } from "../storage/media-error.ts";
import type { JobContext } from "./context.ts";

/** The files that a job is delivered with. */
type StoredFiles = Omit<StoredPaths, "video"> & { video: StoredVideo };

const COPY_BACKOFF = { base: 5, cap: 900 };
/** A file that is missing right after its run may only be late at the provider's CDN. */
const CHECKS_FOR_A_MISSING_FILE = 3;

/**
 * Delivers a job whose steps are done: copies the video and its subtitles into our bucket, completes the job, and then
 * begins the thumbnail. When Storage fails, the job is completed with the provider's own URL and copied later; when only
 * we can open that URL, the copy is repeated until the deadline. Throws `DatabaseError`.
 */
export async function deliver(context: JobContext, leased: LeasedJob): Promise<Job | null> {
  let subtitles: Pick<StoredPaths, "subtitles"> = {};
  let stored: StoredFiles;
  try {
    // The subtitles first: they need no provider, and every delivered video must have them.
    subtitles = await storeSubtitles(context, leased);
    // A copy that is still owed is made also here: an import asked for it.
    if (
      context.environment.VIDEO_STORAGE === "provider" && leased.files_are_public && leased.status !== "completed"
    ) {
      return await deleteUnwantedFiles(context, leased, (await completeWith(context, leased, subtitles)).job);
    }
    const video = await storeVideo(context, leased, { isDelivered: true });
    // A late copy keeps nobody waiting, and takes the thumbnail along.
    const thumbnail = leased.status === "completed" ? await storeThumbnail(context, leased) : {};
    stored = { video, ...subtitles, ...thumbnail };
  } catch (error) {
    return await copyFailed(context, leased, error, subtitles);
  }
  return await complete(context, leased, stored);
}

async function complete(context: JobContext, leased: LeasedJob, stored: StoredFiles): Promise<Job | null> {
  let delivered = leased.status === "completed"
    ? await recordStoredVideo(context, leased, stored)
    : await completeWith(context, leased, stored);
  if (delivered.is_stored !== false && delivered.job?.status === "completed" && delivered.job.video_path === null) {
    // Another worker was faster and completed it with the provider's URL. Our copy is recorded and not deleted: both workers
    // write to the same path.
    delivered = await recordStoredVideo(context, leased, stored);
  }
  if (delivered.is_stored === false) {
    await deleteVideo(context, leased);
    const error = new MediaError("media_truncated", `Storage does not have ${stored.video.bytes} bytes, as declared`);
    return await copyFailed(context, leased, error, stored);
  }
  context.log("info", "job_completed", {
    job_id: leased.job_id,
    attempt: leased.attempt,
    age_ms: leased.age_ms,
    applied: delivered.applied,
  });
  if (delivered.job?.video_path !== stored.video.path) await deleteJobFiles(context, leased);
  return delivered.job;
}

/** Completes the job, and begins its thumbnail. */
async function completeWith(
  context: JobContext,
  leased: LeasedJob,
  delivery: Parameters<typeof completeJob>[2],
): Promise<Stored> {
  const delivered = await completeJob(context, leased, delivery);
  if (delivered.leased_thumbnail) beginThumbnail(context, delivered.leased_thumbnail);
  return delivered;
}

async function copyFailed(
  context: JobContext,
  leased: LeasedJob,
  error: unknown,
  stored: Pick<StoredPaths, "subtitles">,
): Promise<Job | null> {
  context.log("warn", "copy_failed", { job_id: leased.job_id, attempt: leased.attempt, error: errorText(error) });
  return await deleteUnwantedFiles(context, leased, await afterFailedCopy(context, leased, error, stored));
}

async function afterFailedCopy(
  context: JobContext,
  leased: LeasedJob,
  error: unknown,
  { subtitles }: Pick<StoredPaths, "subtitles">,
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
    // A file that Storage never accepts is delivered from the provider: the run is billed, and the user gets the video.
    if (finalError !== null) context.log("alert", "copy_given_up", { job_id: leased.job_id, code: finalError });
    const copyAgain = finalError === null ? { copyAgainAfterSeconds: again } : {};
    const delivery = subtitles === undefined ? copyAgain : { subtitles, ...copyAgain };
    return (await completeWith(context, leased, delivery)).job;
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

/** Only our side of the copy failed: the provider still has the video. */
function isStorageTrouble(error: unknown): boolean {
  return error instanceof MediaError && !error.code.startsWith("media_");
}

/** The error that no later copy can change; null when another copy may succeed. */
function finalErrorOf(error: unknown, leased: LeasedJob): JobErrorCode | null {
  if (error instanceof MediaError) {
    if (error.code === "storage_too_large") return "storage_failed";
    return error.retryable || isStorageTrouble(error) ? null : "media_unusable";
  }
  if (!(error instanceof ProviderError) || error.kind !== "rejected") return null;
  const mayBeLate = error.code === "result_expired" && leased.failures + 1 < CHECKS_FOR_A_MISSING_FILE;
  return mayBeLate ? null : error.code;
}
