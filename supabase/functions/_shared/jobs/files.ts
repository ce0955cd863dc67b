/** The files of a job in our own Storage: where they are, and how they come there. */

import type { Job, Work } from "../database/records.ts";
import type { StoredPaths } from "../database/jobs.ts";
import { errorText } from "../runtime/log.ts";
import { ProviderError } from "../providers/provider.ts";
import { deleteFiles, storeMedia, storeText } from "../storage/storage-utils.ts";
import { subtitlesOf } from "./subtitles.ts";
import type { Tools } from "./context.ts";

/** The private bucket of finished videos, and its own limit (see the migration that makes it). */
export const VIDEO_BUCKET = "videos";
const MAX_VIDEO_BYTES = 524_288_000;
const MAX_THUMBNAIL_BYTES = 20_971_520;

/** Most of a copy's worker time: hosted workers live 400 s, and the lease is 300 s. */
const COPY_LIMIT_MS = 270_000;
/** A picture is a matter of a second, and the video waits for it. */
const THUMBNAIL_LIMIT_MS = 15_000;

/** Where a job's files are, if it has them. `private.discard_files` names the same ones. */
export function pathsOf(work: Work): Required<StoredPaths> {
  const base = `${work.user_id}/${work.job_id}`;
  return { video: `${base}.mp4`, thumbnail: `${base}_thumb.jpg`, subtitles: `${base}.vtt` };
}

/** Copies the newest video of a job into our bucket and returns its path. Throws `MediaError` and `ProviderError`. */
export async function storeVideo(tools: Tools, work: Work): Promise<string> {
  const path = pathsOf(work).video;
  const { bytes } = await copy(tools, work, {
    artifact: "video",
    path,
    kind: "video",
    maxBytes: MAX_VIDEO_BYTES,
    limitMs: COPY_LIMIT_MS,
  });
  tools.log("info", "video_stored", { job_id: work.job_id, attempt: work.attempt, age_ms: work.age_ms, bytes });
  return path;
}

/** Copies the thumbnail, if there is one. No video is kept back for its thumbnail: what goes wrong is logged. */
export async function storeThumbnail(tools: Tools, work: Work): Promise<Pick<StoredPaths, "thumbnail">> {
  if (work.artifacts.thumbnail === undefined) return {};
  const path = pathsOf(work).thumbnail;
  try {
    await copy(tools, work, {
      artifact: "thumbnail",
      path,
      kind: "image",
      maxBytes: MAX_THUMBNAIL_BYTES,
      limitMs: THUMBNAIL_LIMIT_MS,
    });
    return { thumbnail: path };
  } catch (error) {
    tools.log("warn", "thumbnail_not_stored", { job_id: work.job_id, error: errorText(error) });
    return {};
  }
}

/** Writes the subtitles, if the job has some. Throws `MediaError`. */
export async function storeSubtitles(tools: Tools, work: Work): Promise<Pick<StoredPaths, "subtitles">> {
  const text = subtitlesOf(work.settings);
  if (text === null) return {};
  const path = pathsOf(work).subtitles;
  await tools.phases.measure(
    "storage",
    () => storeText(tools.client, { bucket: VIDEO_BUCKET, path, text, contentType: "text/vtt" }),
  );
  return { subtitles: path };
}

/** Deletes at once what a job that is not delivered may have; the purge looks for it again. */
export async function discardJobFiles(tools: Tools, work: Work): Promise<void> {
  // Nothing is written before a step has made something.
  if (Object.keys(work.artifacts).length === 0) return;
  try {
    await deleteFiles(tools.client, { bucket: VIDEO_BUCKET, paths: Object.values(pathsOf(work)) });
  } catch (error) {
    tools.log("alert", "file_left_behind", { job_id: work.job_id, error: errorText(error) });
  }
}

/** The job as it is; of one that failed, or was cancelled or deleted meanwhile, no file is left. */
export async function discardUnlessWanted(tools: Tools, work: Work, job: Job | null): Promise<Job | null> {
  if (job === null || job.status === "failed") await discardJobFiles(tools, work);
  return job;
}

interface CopyOptions {
  artifact: string;
  path: string;
  kind: "video" | "image";
  maxBytes: number;
  limitMs: number;
}

async function copy(tools: Tools, work: Work, options: CopyOptions): Promise<{ bytes: number }> {
  const artifact = work.artifacts[options.artifact];
  if (artifact === undefined) throw new ProviderError("rejected", "no_media", `No step made a ${options.artifact}`);
  const { path, kind, maxBytes } = options;
  const signal = AbortSignal.timeout(options.limitMs);
  return await tools.phases.measure("storage", async () => {
    const response = await tools.providers.get(artifact.provider).fetchMedia(artifact.url, { signal });
    return await storeMedia(tools.client, { bucket: VIDEO_BUCKET, path, response, kind, maxBytes, signal });
  });
}
