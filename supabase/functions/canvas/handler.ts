import { RequestError } from "../_shared/errors/request-errors.ts";
import { requireMethod } from "../_shared/http/method.ts";
import { pathBelow } from "../_shared/http/path.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { generateForNode } from "./generate.ts";
import { jobStatus, latestJobStatus } from "./job-status.ts";

/** POST api/ai/generate-video, GET api/ai/jobs/{job_id} and api/ai/nodes/{node_id}/jobs/latest. */
export async function canvas(context: JobContext, request: Request): Promise<Response> {
  const [api, ai, resource, id, ...rest] = pathBelow(request);
  if (api !== "api" || ai !== "ai") throw new RequestError("not_found");
  if (resource === "generate-video" && id === undefined) {
    requireMethod(request, "POST");
    return await generateForNode(context, request);
  }
  if (resource === "jobs" && id !== undefined && rest.length === 0) {
    requireMethod(request, "GET");
    return await jobStatus(context, id);
  }
  if (resource === "nodes" && id !== undefined && rest.join("/") === "jobs/latest") {
    requireMethod(request, "GET");
    return await latestJobStatus(context, id);
  }
  throw new RequestError("not_found");
}
