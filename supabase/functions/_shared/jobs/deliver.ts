import { backoffSeconds } from "./backoff.ts";
import type { JobErrorCode } from "../errors/job-errors.ts";
import { discardJobFiles, discardUnlessWanted, storeSubtitles, storeThumbnail, storeVideo } from "./files.ts";
import type { Job, Work } from "../database/records.ts";
import type { StoredPaths } from "../database/jobs.ts";
import { errorText } from "../runtime/log.ts";
import { ProviderError } from "../providers/provider.ts";
import { MediaError } from "../storage/storage-utils.ts";
import type { Tools } from "./context.ts";

const COPY_BACKOFF = { base: 5, cap: 900 };
/** A file that is missing right after its run may only be late at the provider's edge. */
const LOOKS_FOR_A_MISSING_FILE = 3;

/**
 * Delivers a job whose steps are done: copies the video into our bucket, with what belongs to it, and completes the job.
 * Where Storage is in trouble the job is completed with the provider's own URL, and the copy is made later; or, where
 * nobody else can open that, the copy is tried until the deadline. Throws `DatabaseError`.
 */
export async function deliver(tools: Tools, work: Work): Promise<Job | null> {
  let subtitles: StoredPaths = {};
  let stored: StoredPaths & { video: string };
  try {
    // First what is small and of the client's own making: a delivered video has its subtitles.
    subtitles = await storeSubtitles(tools, work);
    if (tools.environment.VIDEO_STORAGE === "provider" && work.files_are_public) {
      return await discardUnlessWanted(tools, work, (await tools.jobs.complete(work, subtitles)).job);
    }
    const video = await storeVideo(tools, work);
    stored = { video, ...subtitles, ...await storeThumbnail(tools, work) };
  } catch (error) {
    tools.log("warn", "copy_failed", { job_id: work.job_id, attempt: work.attempt, error: errorText(error) });
    return await discardUnlessWanted(tools, work, await afterFailedCopy(tools, work, error, subtitles));
  }
  return await complete(tools, work, stored);
}

async function complete(tools: Tools, work: Work, stored: StoredPaths & { video: string }): Promise<Job | null> {
  let delivered = work.status === "completed"
    ? await tools.jobs.recordStoredVideo(work, stored)
    : await tools.jobs.complete(work, stored);
  if (delivered.job?.status === "completed" && delivered.job.video_path === null) {
    // Another worker was faster and had to complete it with the provider's URL; by now it may rely on this very file.
    delivered = await tools.jobs.recordStoredVideo(work, stored);
  }
  tools.log("info", "job_completed", {
    job_id: work.job_id,
    attempt: work.attempt,
    age_ms: work.age_ms,
    applied: delivered.applied,
  });
  if (delivered.job?.video_path !== stored.video) await discardJobFiles(tools, work);
  return delivered.job;
}

async function afterFailedCopy(
  tools: Tools,
  work: Work,
  error: unknown,
  stored: StoredPaths,
): Promise<Job | null> {
  const again = backoffSeconds(work.failures, COPY_BACKOFF, tools.random);
  const verdict = verdictOf(error, work);
  if (work.status === "completed") {
    const givenUp = verdict !== null || !work.copy_again;
    if (givenUp) {
      tools.log("alert", "copy_given_up", { job_id: work.job_id, code: verdict });
    }
    return (await tools.jobs.postpone(work, givenUp ? null : again)).job;
  }
  if (isStorageTrouble(error) && work.files_are_public && tools.environment.VIDEO_STORAGE === "supabase") {
    // What Storage will never take stays with the provider: the run is billed, and the user has the video.
    if (verdict !== null) tools.log("alert", "copy_given_up", { job_id: work.job_id, code: verdict });
    const copyAgain = verdict === null ? { copyAgainAfterSeconds: again } : {};
    return (await tools.jobs.complete(work, { ...stored, ...copyAgain })).job;
  }
  if (verdict === null && !work.past_deadline) {
    return (await tools.jobs.postpone(work, again)).job;
  }
  return await fail(tools, work, verdict ?? (isStorageTrouble(error) ? "storage_failed" : "timeout"));
}

async function fail(tools: Tools, work: Work, code: JobErrorCode): Promise<Job | null> {
  const failed = await tools.jobs.fail(work, code);
  if (failed.applied && code === "storage_failed") {
    tools.log("alert", "video_lost", { job_id: work.job_id, credits_refunded: failed.job?.credits_refunded });
  }
  return failed.job;
}

/** The video is there and may be served from where it is: only our side of the copy failed. */
function isStorageTrouble(error: unknown): boolean {
  return error instanceof MediaError && !error.code.startsWith("media_");
}

/** Why there will never be a video; null when another try may find one. */
function verdictOf(error: unknown, work: Work): JobErrorCode | null {
  if (error instanceof MediaError) {
    if (error.code === "storage_too_large") return "storage_failed";
    return error.retryable || isStorageTrouble(error) ? null : "media_unusable";
  }
  if (!(error instanceof ProviderError) || error.kind !== "rejected") return null;
  const mayBeLate = error.code === "result_expired" && work.failures + 1 < LOOKS_FOR_A_MISSING_FILE;
  return mayBeLate ? null : error.code;
}
