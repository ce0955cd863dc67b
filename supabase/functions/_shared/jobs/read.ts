import { type JobAndLease, readJob } from "../database/jobs.ts";
import type { Job } from "../database/records.ts";
import { finishWithin } from "../runtime/background.ts";
import { errorText } from "../runtime/log.ts";
import type { JobContext } from "./context.ts";

/** A poll waits this long for the action that it started; a long copy continues in the background. */
const ACTION_WAIT_MS = 4_000;

/** A user's job, advanced first if it was due; null for one that does not exist or is not theirs. */
export async function readCurrentJob(
  context: JobContext,
  which: { jobId: string } | { nodeId: string },
): Promise<Job | null> {
  const found = await readJob(context, context.userId, which);
  return found === null ? null : await advanceIfLeased(context, found);
}

/** How long the client should wait before the next poll, as a header; none for a finished job. */
export function retryAfterHeader(job: Job): Record<string, string> {
  return job.poll_after_ms === null ? {} : { "Retry-After": String(Math.ceil(job.poll_after_ms / 1000)) };
}

/** Does the action that is due, if this request got the lease. Its errors are only logged: the client gets the job. */
export async function advanceIfLeased(context: JobContext, found: JobAndLease): Promise<Job> {
  const leased = found.leased_job;
  if (leased === null) return found.job;
  let waits = true;
  const waiting = { ...context, ownerWaits: () => waits };
  // Imported here: most polls only read.
  const action = import("./advance.ts").then(({ advance }) => advance(waiting, leased)).catch((error) => {
    context.log("error", "advance_failed", { job_id: found.job.job_id, error: errorText(error) });
    return null;
  });
  const job = await finishWithin(action, ACTION_WAIT_MS);
  waits = false;
  return job ?? found.job;
}
