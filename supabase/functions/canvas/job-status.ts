import { readNodeJob } from "../_shared/database/node-jobs.ts";
import type { Job } from "../_shared/database/records.ts";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { json } from "../_shared/http/endpoint.ts";
import { text, uuid } from "../_shared/http/fields.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { advanceIfLeased, retryAfterHeader } from "../_shared/jobs/read.ts";
import { jobView } from "../_shared/jobs/view.ts";

/** GET /canvas/api/ai/jobs/{job_id}: the job, advanced first if it was due. */
export async function jobStatus(context: JobContext, id: string): Promise<Response> {
  const jobId = uuid.safeParse(id);
  if (!jobId.success) throw new RequestError("job_not_found");
  return await statusOf(context, { jobId: jobId.data });
}

/** GET /canvas/api/ai/nodes/{node_id}/jobs/latest: the newest job of a node. */
export async function latestJobStatus(context: JobContext, id: string): Promise<Response> {
  const nodeId = text(1, 128).safeParse(decoded(id));
  if (!nodeId.success) throw new RequestError("job_not_found");
  return await statusOf(context, { nodeId: nodeId.data });
}

async function statusOf(context: JobContext, which: { jobId: string } | { nodeId: string }): Promise<Response> {
  const found = await readNodeJob(context, context.userId, which);
  if (found === null) throw new RequestError("job_not_found");
  const job = await advanceIfLeased(context, found);
  context.logFields.job_id = job.job_id;
  // The node got its link when the job ended, which may be by this very request.
  const link = job.status === found.job.status ? found : await readNodeJob(context, context.userId, which);
  return json(await statusView(context, job, link?.video_url ?? null), 200, retryAfterHeader(job));
}

async function statusView(context: JobContext, job: Job, link: string | null): Promise<Record<string, unknown>> {
  // Without a link, of a job that is no longer its node's, the address works as long as every signed one.
  const { video_url, error_message } = link === null
    ? await jobView(context, job)
    : { video_url: link, error_message: null };
  return {
    job_id: job.job_id,
    node_id: job.node_id,
    status: job.status.toUpperCase(),
    result: job.status === "completed" ? { video_url } : null,
    error: error_message,
    error_code: job.error_code,
    progress: job.progress,
    created_at: job.created_at,
    updated_at: job.updated_at,
    completed_at: job.completed_at,
  };
}

/** A node's name in a path; as it is where it is not percent-encoded. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
