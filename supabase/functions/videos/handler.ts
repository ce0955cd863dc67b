import { keepAlive } from "../_shared/background.ts";
import type { Dependencies } from "../_shared/dependencies.ts";
import { type Call, json } from "../_shared/http/endpoint.ts";
import { RequestError } from "../_shared/http/errors.ts";
import { uuid } from "../_shared/http/fields.ts";
import { jobView } from "../_shared/job-view.ts";
import { cancelRun } from "../_shared/provider-run.ts";
import { toolsOf } from "../_shared/tools.ts";

/** POST /videos/{job_id}/cancel: refunds in full, at once, and stops the run at the provider where that is possible. */
export async function videos(dependencies: Dependencies, request: Request, call: Call): Promise<Response> {
  const [, id, action] = new URL(request.url).pathname.split("/").filter(Boolean);
  const jobId = uuid.safeParse(id);
  if (!jobId.success || action !== "cancel") throw new RequestError("job_not_found");

  const tools = toolsOf(dependencies, call);
  const found = await tools.jobs.cancel(call.userId, jobId.data);
  if (found === null) throw new RequestError("job_not_found");
  if (!found.cancelled) throw new RequestError("not_cancellable", { job_id: jobId.data, status: found.job.status });

  call.log("info", "job_cancelled", { job_id: jobId.data, credits_refunded: found.job.credits_refunded });
  // What the provider bills all the same is our loss; its answer changes nothing for the user, who need not wait for it.
  if (found.work.provider_job_id !== null) keepAlive(cancelRun(tools, found.work));
  return json(await jobView(found.job, call, dependencies.client, dependencies.environment.SIGNED_URL_SECONDS));
}
