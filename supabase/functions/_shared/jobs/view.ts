import type { Job } from "../database/records.ts";
import { VIDEO_BUCKET } from "./buckets.ts";
import { jobErrorText } from "../errors/job-errors.ts";
import type { UrlLife } from "../storage/signed-url-cache.ts";
import { signedUrls } from "../storage/signed-urls.ts";
import type { JobContext } from "./context.ts";

/** The job as its owner sees it. Throws `MediaError` when Storage does not sign. */
export async function jobView(context: JobContext, job: Job): Promise<Record<string, unknown>> {
  const [view] = await jobViews(context, [job]);
  return view ?? {};
}

/** Jobs as their owner sees them: paths in our bucket become signed URLs, by one call to Storage at most. */
export async function jobViews(context: JobContext, jobs: Job[]): Promise<Record<string, unknown>[]> {
  const urls = await context.signedUrls.get(
    jobs.flatMap(pathsOf),
    urlPeriod(context),
    (paths, expiresInSeconds) =>
      context.timing.measure(
        "storage",
        () => signedUrls(context.client, { bucket: VIDEO_BUCKET, paths, expiresInSeconds }),
      ),
  );
  return jobs.map((job) => {
    const { video_path, thumbnail_path, subtitles_path, version: _, ...visible } = job;
    return {
      ...visible,
      video_url: video_path === null ? job.video_url : urls.get(video_path) ?? null,
      thumbnail_url: thumbnail_path === null ? job.thumbnail_url : urls.get(thumbnail_path) ?? null,
      subtitles_url: subtitles_path === null ? null : urls.get(subtitles_path) ?? null,
      error_message: job.error_code === null
        ? null
        : jobErrorText(job.error_code, context.language) ?? job.error_message,
    };
  });
}

/**
 * Changes whenever the answer does, and with the period of its signed URLs, so that a client that gets 304 never has an
 * expired URL.
 */
export function entityTag(context: JobContext, job: Job): string {
  const period = pathsOf(job).length > 0 ? urlPeriod(context).index : 0;
  return `W/"${job.version}-${context.language}-${period}"`;
}

/**
 * A period is half the life of a signed URL. A URL is given out in the period in which it was signed and not later, and so
 * works for all of the next period.
 */
function urlPeriod({ environment }: JobContext): UrlLife & { index: number } {
  const periodMs = environment.SIGNED_URL_SECONDS * 500;
  const now = Date.now();
  const index = Math.floor(now / periodMs);
  return { index, atLeastMs: (index + 2) * periodMs - now, atMostMs: 2 * periodMs };
}

function pathsOf(job: Job): string[] {
  return [job.video_path, job.thumbnail_path, job.subtitles_path].filter((path) => path !== null);
}

/** Whether the client already has this version. */
export function isUnchanged(request: Request, tag: string): boolean {
  const known = request.headers.get("if-none-match")?.split(",").map((entry) => entry.trim().replace(/^W\//, ""));
  return known !== undefined && (known.includes("*") || known.includes(tag.replace(/^W\//, "")));
}
