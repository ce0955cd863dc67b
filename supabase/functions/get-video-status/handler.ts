import { z } from "zod";
import { json } from "../_shared/http/endpoint.ts";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { text, uuid } from "../_shared/http/fields.ts";
import { readQuery } from "../_shared/http/query.ts";
import { entityTag, isUnchanged, jobView } from "../_shared/jobs/view.ts";
import { readCurrentJob, retryAfterHeader } from "../_shared/jobs/read.ts";
import type { JobContext } from "../_shared/jobs/context.ts";

export const statusQuery = z.union(
  [
    z.strictObject({ job_id: uuid }).transform(({ job_id }) => ({ jobId: job_id })),
    z.strictObject({ node_id: text(1, 128) }).transform(({ node_id }) => ({ nodeId: node_id })),
  ],
  { error: "must have either job_id, a UUID, or node_id, 1 to 128 characters, and nothing else" },
);

/** GET /get-video-status: the job, advanced first if it was due. */
export async function getVideoStatus(context: JobContext, request: Request): Promise<Response> {
  const which = readQuery(request, statusQuery);
  const job = await readCurrentJob(context, which);
  if (job === null) throw new RequestError("job_not_found");
  context.logFields.job_id = job.job_id;

  const headers = { ETag: entityTag(context, job) };
  if (isUnchanged(request, headers.ETag)) {
    return new Response(null, { status: 304, headers });
  }
  const view = await jobView(context, job);
  return json(view, 200, { ...headers, ...retryAfterHeader(job), "Cache-Control": "private, no-cache" });
}
