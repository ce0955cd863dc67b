import { backoffSeconds } from "./backoff.ts";
import type { JobErrorCode } from "./http/errors.ts";
import type { Job, Work } from "./jobs.ts";
import { errorText, type LogFields } from "./log.ts";
import { ProviderError } from "./providers/provider.ts";
import { deleteFiles, MediaError, storeVideo } from "./storage-utils.ts";
import type { Tools } from "./tools.ts";

/** The private bucket of finished videos, and its own limit (see the migration that makes it). */
export const VIDEO_BUCKET = "videos";
const MAX_VIDEO_BYTES = 524_288_000;

/** Most of a copy's worker time: hosted workers live 400 s, and the lease is 300 s. */
const COPY_LIMIT_MS = 270_000;
const COPY_BACKOFF = { base: 5, cap: 900 };
/** A file that is missing right after its run may only be late at the provider's edge. */
const LOOKS_FOR_A_MISSING_FILE = 3;

/**
 * Delivers a job whose steps are done: copies the video into our bucket and completes the job. Where Storage is in
 * trouble the job is completed with the provider's own URL, and the copy is made later. Throws `DatabaseError`.
 */
export async function deliver(tools: Tools, work: Work): Promise<Job | null> {
  if (tools.environment.VIDEO_STORAGE === "provider") {
    return (await tools.jobs.complete(work, { copyAgainAfterSeconds: null })).job;
  }
  const path = `${work.user_id}/${work.job_id}.mp4`;
  const facts = { job_id: work.job_id, attempt: work.attempt, age_ms: work.age_ms };
  try {
    const { bytes } = await tools.phases.measure("storage", () => copy(tools, work, path));
    tools.log("info", "video_stored", { ...facts, bytes });
  } catch (error) {
    tools.log("warn", "copy_failed", { ...facts, error: errorText(error) });
    return await afterFailedCopy(tools, work, error);
  }
  let delivered = work.status === "completed"
    ? await tools.jobs.recordStoredVideo(work, path)
    : await tools.jobs.complete(work, { path });
  if (delivered.job?.status === "completed" && delivered.job.video_path === null) {
    // Another worker was faster and had to complete it with the provider's URL; by now it may rely on this very file.
    delivered = await tools.jobs.recordStoredVideo(work, path);
  }
  tools.log("info", "job_completed", { ...facts, applied: delivered.applied });
  if (delivered.job?.video_path !== path) await discard(tools, path, facts);
  return delivered.job;
}

/** The job was cancelled or deleted while its video was copied: nobody would ever find the file. */
async function discard(tools: Tools, path: string, facts: LogFields): Promise<void> {
  try {
    await deleteFiles(tools.client, { bucket: VIDEO_BUCKET, paths: [path] });
  } catch (error) {
    tools.log("alert", "file_left_behind", { ...facts, error: errorText(error) });
  }
}

async function copy(tools: Tools, work: Work, path: string): Promise<{ bytes: number }> {
  const url = work.artifacts.video_url;
  if (url === undefined) {
    throw new ProviderError("rejected", "no_media", "No step produced a video");
  }
  const signal = AbortSignal.timeout(COPY_LIMIT_MS);
  const response = await tools.providers.get(work.step.provider).fetchMedia(url, { signal });
  return await storeVideo(tools.client, { bucket: VIDEO_BUCKET, path, response, maxBytes: MAX_VIDEO_BYTES, signal });
}

async function afterFailedCopy(tools: Tools, work: Work, error: unknown): Promise<Job | null> {
  const again = backoffSeconds(work.failures, COPY_BACKOFF, tools.random);
  const verdict = verdictOf(error, work);
  if (work.status === "completed") {
    const givenUp = verdict !== null || !work.copy_again;
    if (givenUp) {
      tools.log("alert", "copy_given_up", { job_id: work.job_id, code: verdict });
    }
    return (await tools.jobs.postpone(work, givenUp ? null : again)).job;
  }
  if (isStorageTrouble(error)) {
    return (await tools.jobs.complete(work, { copyAgainAfterSeconds: again })).job;
  }
  if (verdict === null && !work.past_deadline) {
    return (await tools.jobs.postpone(work, again)).job;
  }
  return (await tools.jobs.fail(work, verdict ?? "timeout")).job;
}

/** The video is there and may be served from where it is: only our side of the copy failed. */
function isStorageTrouble(error: unknown): boolean {
  return error instanceof MediaError && !error.code.startsWith("media_");
}

/** Why there will never be a video; null when another try may find one. */
function verdictOf(error: unknown, work: Work): JobErrorCode | null {
  if (error instanceof MediaError) return error.retryable || isStorageTrouble(error) ? null : "media_unusable";
  if (!(error instanceof ProviderError) || error.kind !== "rejected") return null;
  const mayBeLate = error.code === "result_expired" && work.failures + 1 < LOOKS_FOR_A_MISSING_FILE;
  return mayBeLate ? null : error.code;
}
