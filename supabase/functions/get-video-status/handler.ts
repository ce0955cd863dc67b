import { z } from "zod";
import { advance } from "../_shared/advance.ts";
import { finishWithin } from "../_shared/background.ts";
import type { Dependencies } from "../_shared/dependencies.ts";
import { parse } from "../_shared/http/body.ts";
import { type Call, json } from "../_shared/http/endpoint.ts";
import { RequestError } from "../_shared/http/errors.ts";
import { text, uuid } from "../_shared/http/fields.ts";
import { entityTag, isUnchanged, jobView } from "../_shared/job-view.ts";
import type { Job, JobToRead } from "../_shared/jobs.ts";
import { errorText } from "../_shared/log.ts";
import { type Tools, toolsOf } from "../_shared/tools.ts";

/** A poll waits this long for the step that it woke; a long copy goes on without it. */
const STEP_WAIT_MS = 4_000;

const query = z.union(
  [
    z.strictObject({ job_id: uuid }).transform(({ job_id }) => ({ jobId: job_id })),
    z.strictObject({ node_id: text(1, 128) }).transform(({ node_id }) => ({ nodeId: node_id })),
  ],
  { error: "must be either job_id, a UUID, or node_id, 1 to 128 characters" },
);

/** GET /get-video-status: the job as it is, moved on first if it was due. */
export async function getVideoStatus(dependencies: Dependencies, request: Request, call: Call): Promise<Response> {
  const which = parse(query, Object.fromEntries(new URL(request.url).searchParams));
  const tools = toolsOf(dependencies, call);
  const found = await tools.jobs.read(call.userId, which);
  if (found === null) throw new RequestError("job_not_found");
  const job = await moveOn(tools, found);

  const headers = { ETag: entityTag(job, call.language, dependencies.environment.SIGNED_URL_SECONDS) };
  if (isUnchanged(request, headers.ETag)) {
    return new Response(null, { status: 304, headers });
  }
  const view = await jobView(tools, job, call.language);
  const pace = job.poll_after_ms === null ? {} : { "Retry-After": String(Math.ceil(job.poll_after_ms / 1000)) };
  return json(view, 200, { ...headers, ...pace, "Cache-Control": "private, no-cache" });
}

/** Does the step that is due, if this poll was the one to claim it. Trouble there is no reason not to answer. */
async function moveOn(tools: Tools, found: JobToRead): Promise<Job> {
  if (found.work === null) return found.job;
  const step = advance(tools, found.work).catch((error) => {
    tools.log("error", "advance_failed", { job_id: found.job.job_id, error: errorText(error) });
    return null;
  });
  return (await finishWithin(step, STEP_WAIT_MS)) ?? found.job;
}
