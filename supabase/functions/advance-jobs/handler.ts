import { z } from "zod";
import { readOptionalBody } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { cancelAbandonedRuns } from "../_shared/jobs/abandoned-runs.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { advanceDueThumbnails } from "../_shared/jobs/thumbnail.ts";
import { purge } from "./purge.ts";
import { advanceDueJobs, type Tick } from "./tick.ts";

export const workerBody = z.strictObject({ task: z.enum(["advance", "purge"]).default("advance") });

/** POST /advance-jobs: one call of the worker. It does the next action of due jobs, or the purge. */
export async function advanceJobs(context: JobContext, request: Request): Promise<Response> {
  const { task } = await readOptionalBody(request, workerBody);
  return json(task === "purge" ? await purge(context) : await tick(context));
}

/** Advances due jobs and thumbnails, and cancels runs that nobody needs; returns only when all are done. */
async function tick(context: JobContext): Promise<Tick> {
  const cancelling = cancelAbandonedRuns(context);
  const picturing = advanceDueThumbnails(context);
  try {
    return await advanceDueJobs(context);
  } finally {
    await Promise.all([cancelling, picturing]);
  }
}
