/** An account, and what its deletion takes. Each function calls the procedure of its name and throws `DatabaseError`. */

import { z } from "zod";
import { callProcedure, type DatabaseContext, LONG_CALL_LIMIT_MS } from "./client.ts";
import { leasedJobSchema } from "./records.ts";

const accountSchema = z.object({ user_id: z.string(), credits_remaining: z.number() });

/** A user's own id and balance. Throws `unauthorized` where there is no account. */
export async function readAccount(context: DatabaseContext, userId: string): Promise<z.infer<typeof accountSchema>> {
  return await callProcedure(context, accountSchema, "read_account", { p_user_id: userId });
}

/** Takes everybody out of the projects of a user, and the user out of all others. Called before the account is erased. */
export async function leaveProjects(context: DatabaseContext, userId: string): Promise<void> {
  await callProcedure(context, z.unknown(), "leave_projects", { p_user_id: userId });
}

/** Makes a user the owner of their projects again: the account was not deleted after all. */
export async function rejoinProjects(context: DatabaseContext, userId: string): Promise<void> {
  await callProcedure(context, z.unknown(), "rejoin_projects", { p_user_id: userId });
}

/** Deletes a user with all their rows, and makes their ledger anonymous. */
export async function eraseAccount(context: DatabaseContext, userId: string): Promise<void> {
  await callProcedure(context, z.unknown(), "erase_account", { p_user_id: userId }, LONG_CALL_LIMIT_MS);
}

/** Deletes up to `limit` finished videos of a user before the account itself; returns how many there were. */
export async function deleteFinishedVideos(context: DatabaseContext, userId: string, limit: number): Promise<number> {
  return await callProcedure(context, z.number(), "delete_finished_videos", { p_user_id: userId, p_limit: limit });
}

const runToCancelSchema = leasedJobSchema.pick({ job_id: true, attempt: true }).extend({
  provider_job_id: z.string(),
  step: leasedJobSchema.shape.step.pick({ provider: true, model: true }),
  is_last_try: z.boolean(),
});
/** A run of a deleted user, by what its provider needs to know of it. */
export type RunToCancel = z.infer<typeof runToCancelSchema>;

/** Leases up to `limit` runs of deleted users, to be cancelled now. */
export async function leaseRunsToCancel(context: DatabaseContext, limit: number): Promise<RunToCancel[]> {
  return await callProcedure(context, z.array(runToCancelSchema), "lease_runs_to_cancel", { p_limit: limit });
}

/** Records that a run needs no further cancellation. */
export async function recordCancelledRun(context: DatabaseContext, run: RunToCancel): Promise<void> {
  await callProcedure(context, z.unknown(), "record_cancelled_run", {
    p_provider: run.step.provider,
    p_provider_job_id: run.provider_job_id,
  });
}
