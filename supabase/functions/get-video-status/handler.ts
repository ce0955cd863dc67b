import { z } from "zod";
import { json } from "../_shared/http/endpoint.ts";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { text, uuid } from "../_shared/http/fields.ts";
import { readQuery } from "../_shared/http/query.ts";
import { entityTag, isUnchanged, jobView } from "../_shared/jobs/view.ts";
import { readCurrentJob, retryAfterHeader } from "../_shared/jobs/read.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import type { Job } from "../_shared/database/records.ts";
import { asDownload, fileName } from "../_shared/storage/download-name.ts";

/** The name of the file that a browser is to save; empty: one of ours. */
const download = text(0, 255).optional();

export const statusQuery = z.union(
  [
    z.strictObject({ job_id: uuid, download })
      .transform(({ job_id, download }) => ({ which: { jobId: job_id }, download })),
    z.strictObject({ node_id: text(1, 128), download })
      .transform(({ node_id, download }) => ({ which: { nodeId: node_id }, download })),
  ],
  { error: "must have either job_id, a UUID, or node_id, 1 to 128 characters, and besides it only download" },
);

/** GET /get-video-status: the job, advanced first if it was due. */
export async function getVideoStatus(context: JobContext, request: Request): Promise<Response> {
  const { which, download } = readQuery(request, statusQuery);
  const job = await readCurrentJob(context, which);
  if (job === null) throw new RequestError("job_not_found");
  context.logFields.job_id = job.job_id;

  // The pace changes while the job does not.
  const headers = { ETag: entityTag(context, job), ...retryAfterHeader(job) };
  // The tag is that of the job: the same client may have it without the address of a download.
  if (download === undefined && isUnchanged(request, headers.ETag)) {
    return new Response(null, { status: 304, headers });
  }
  const view = await jobView(context, job);
  return json(download === undefined ? view : { ...view, download_url: downloadUrl(job, view, download) }, 200, {
    ...headers,
    "Cache-Control": "private, no-cache",
  });
}

/** The video's address with the name of the saved file. The provider's own address stays as it is. */
function downloadUrl(job: Job, { video_url: url }: Record<string, unknown>, wish: string): string | null {
  if (typeof url !== "string") return null;
  if (job.video_path === null) return url;
  return asDownload(url, fileName(wish, `video-${job.id}`, ".mp4"));
}
