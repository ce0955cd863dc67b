import type { AdminClient } from "./database.ts";
import type { Call } from "./http/endpoint.ts";
import { jobErrorText, type Language } from "./http/errors.ts";
import type { Job } from "./jobs.ts";
import { signedUrl } from "./storage-utils.ts";
import { VIDEO_BUCKET } from "./deliver.ts";

/** The job as the contract shows it: paths in our bucket become fresh signed URLs. */
export async function jobView(
  job: Job,
  call: Call,
  client: AdminClient,
  signedUrlSeconds: number,
): Promise<Record<string, unknown>> {
  const { video_path, thumbnail_path, version: _, ...visible } = job;
  const sign = (path: string) =>
    call.phases.measure(
      "storage",
      () => signedUrl(client, { bucket: VIDEO_BUCKET, path, expiresInSeconds: signedUrlSeconds }),
    );
  return {
    ...visible,
    video_url: video_path === null ? job.video_url : await sign(video_path),
    thumbnail_url: thumbnail_path === null ? job.thumbnail_url : await sign(thumbnail_path),
    error_message: job.error_code === null ? null : (jobErrorText(job.error_code, call.language) ?? job.error_message),
  };
}

/**
 * Changes whenever the answer does. The signed URL of an unchanged job changes too, at half its life, so that a client
 * that is told 304 never holds one that has run out.
 */
export function entityTag(job: Job, language: Language, signedUrlSeconds: number): string {
  const signed = job.video_path !== null || job.thumbnail_path !== null;
  const period = signed ? Math.floor(Date.now() / (signedUrlSeconds * 500)) : 0;
  return `W/"${job.version}-${language}-${period}"`;
}

/** Whether the client already has this version. */
export function isUnchanged(request: Request, tag: string): boolean {
  const known = request.headers
    .get("if-none-match")
    ?.split(",")
    .map((entry) => entry.trim().replace(/^W\//, ""));
  return known !== undefined && (known.includes("*") || known.includes(tag.replace(/^W\//, "")));
}
