import { keepAlive } from "../_shared/background.ts";
import { type Call, json } from "../_shared/http/endpoint.ts";
import { RequestError } from "../_shared/http/errors.ts";
import { uuid } from "../_shared/http/fields.ts";
import { jobView } from "../_shared/job-view.ts";
import { cancelRun } from "../_shared/provider-run.ts";
import type { Tools } from "../_shared/tools.ts";

/** POST /videos/{job_id}/cancel: refunds in full, at once, and stops the run at the provider where that is possible. */
export async function cancelVideo(tools: Tools, call: Call, id: string): Promise<Response> {
  const jobId = uuid.safeParse(id);
  const found = jobId.success ? await tools.jobs.cancel(call.userId, jobId.data) : null;
  if (found === null) throw new RequestError("job_not_found");
  const { job, work, cancelled } = found;
  call.about.job_id = job.job_id;
  if (!cancelled) throw new RequestError("not_cancellable", { job_id: job.job_id, status: job.status });

  call.log("info", "job_cancelled", { job_id: job.job_id, credits_refunded: job.credits_refunded });
  // What the provider bills all the same is our loss; its answer changes nothing for the user, who need not wait for it.
  if (work.provider_job_id !== null) keepAlive(cancelRun(tools, work));
  return json(await jobView(tools, job, call.language));
}
