/** The files of a job in our own Storage: their paths, how they are written and deleted. */

import type { StoredPaths, StoredVideo } from "../database/attempts.ts";
import type { Job, LeasedJob } from "../database/records.ts";
import { errorText } from "../runtime/log.ts";
import { ProviderError } from "../providers/provider.ts";
import { deleteFiles } from "../storage/delete.ts";
import { storeMedia, storeText } from "../storage/upload.ts";
import { VIDEO_BUCKET } from "./buckets.ts";
import { subtitlesOf } from "./subtitles.ts";
import type { JobContext } from "./context.ts";

/** The limit of the bucket of videos. */
const MAX_VIDEO_BYTES = 524_288_000;
const MAX_THUMBNAIL_BYTES = 20_971_520;

/** Below the lease of a copy, 300 s, and the life of a hosted worker, 400 s. */
const COPY_LIMIT_MS = 270_000;
/** A picture takes about a second. Below the lease of a thumbnail. */
const THUMBNAIL_LIMIT_MS = 15_000;

/** The paths of a job's files, whether they exist or not. `private.enqueue_job_files` has the same paths. */
export function pathsOf(leased: LeasedJob): Required<StoredPaths> & { drawn: string } {
  const base = `${leased.user_id}/${leased.job_id}`;
  return { video: `${base}.mp4`, thumbnail: `${base}_thumb.jpg`, subtitles: `${base}.vtt`, drawn: `${base}.ass` };
}

/**
 * Copies the newest video of a job into our bucket. With `isDelivered` the caller delivers it, which compares its size; else
 * Storage is asked for it. Throws `MediaError` and `ProviderError`.
 */
export async function storeVideo(
  context: JobContext,
  leased: LeasedJob,
  { isDelivered }: { isDelivered: boolean },
): Promise<StoredVideo> {
  const path = pathsOf(leased).video;
  const { bytes } = await copy(context, leased, {
    artifact: "video",
    path,
    kind: "video",
    trustsLength: isDelivered,
    maxBytes: MAX_VIDEO_BYTES,
    limitMs: COPY_LIMIT_MS,
  });
  context.copies?.copied(bytes);
  context.log("info", "video_stored", { job_id: leased.job_id, attempt: leased.attempt, age_ms: leased.age_ms, bytes });
  return { path, bytes };
}

/** Copies the thumbnail, if there is one. Errors are only logged: the video is delivered without its thumbnail. */
export async function storeThumbnail(context: JobContext, leased: LeasedJob): Promise<Pick<StoredPaths, "thumbnail">> {
  if (leased.artifacts.thumbnail === undefined) return {};
  const path = pathsOf(leased).thumbnail;
  try {
    await copy(context, leased, {
      artifact: "thumbnail",
      path,
      kind: "image",
      trustsLength: true,
      maxBytes: MAX_THUMBNAIL_BYTES,
      limitMs: THUMBNAIL_LIMIT_MS,
    });
    return { thumbnail: path };
  } catch (error) {
    context.log("warn", "thumbnail_not_stored", { job_id: leased.job_id, error: errorText(error) });
    return {};
  }
}

/** Writes the subtitles, if the job has some. Throws `MediaError`. */
export async function storeSubtitles(context: JobContext, leased: LeasedJob): Promise<Pick<StoredPaths, "subtitles">> {
  const text = subtitlesOf(leased.settings);
  if (text === null) return {};
  const path = pathsOf(leased).subtitles;
  await context.timing.measure(
    "storage",
    () => storeText(context.client, { bucket: VIDEO_BUCKET, path, text, contentType: "text/vtt" }),
  );
  return { subtitles: path };
}

/** Writes the subtitles for the tool that draws them into the picture, and returns their path. Throws `MediaError`. */
export async function storeDrawnSubtitles(context: JobContext, leased: LeasedJob, text: string): Promise<string> {
  const path = pathsOf(leased).drawn;
  await context.timing.measure(
    "storage",
    () => storeText(context.client, { bucket: VIDEO_BUCKET, path, text, contentType: "text/x-ssa" }),
  );
  return path;
}

/** Deletes the files that an undelivered job may have; the purge deletes them once more. */
export async function deleteJobFiles(context: JobContext, leased: LeasedJob): Promise<void> {
  // No file is written before a step has made something.
  if (Object.keys(leased.artifacts).length === 0) return;
  await deletePaths(context, leased, Object.values(pathsOf(leased)));
}

/** Deletes a video that Storage holds only in part. */
export async function deleteVideo(context: JobContext, leased: LeasedJob): Promise<void> {
  await deletePaths(context, leased, [pathsOf(leased).video]);
}

/** Deletes the thumbnail of a video that was deleted meanwhile. Only that file: the others are not the caller's. */
export async function deleteThumbnail(context: JobContext, leased: LeasedJob): Promise<void> {
  await deletePaths(context, leased, [pathsOf(leased).thumbnail]);
}

async function deletePaths(context: JobContext, leased: LeasedJob, paths: string[]): Promise<void> {
  try {
    await deleteFiles(context.client, { bucket: VIDEO_BUCKET, paths });
  } catch (error) {
    context.log("alert", "file_left_behind", { job_id: leased.job_id, error: errorText(error) });
  }
}

/** Deletes the files of a job that has failed, or was cancelled or deleted meanwhile (null), and returns the job. */
export async function deleteUnwantedFiles<Known extends Pick<Job, "status">>(
  context: JobContext,
  leased: LeasedJob,
  job: Known | null,
): Promise<Known | null> {
  if (job === null || job.status === "failed") await deleteJobFiles(context, leased);
  return job;
}

interface CopyOptions {
  artifact: string;
  path: string;
  kind: "video" | "image";
  trustsLength: boolean;
  maxBytes: number;
  limitMs: number;
}

async function copy(context: JobContext, leased: LeasedJob, options: CopyOptions): Promise<{ bytes: number }> {
  const artifact = leased.artifacts[options.artifact];
  if (artifact === undefined) throw new ProviderError("rejected", "no_media", `No step made a ${options.artifact}`);
  const { path, kind, trustsLength, maxBytes } = options;
  const signal = AbortSignal.timeout(options.limitMs);
  return await context.timing.measure("storage", async () => {
    const provider = await context.providers.get(artifact.provider);
    const response = await provider.fetchMedia(artifact.url, { signal });
    return await storeMedia(context.client, {
      bucket: VIDEO_BUCKET,
      path,
      response,
      kind,
      trustsLength,
      maxBytes,
      signal,
    });
  });
}
