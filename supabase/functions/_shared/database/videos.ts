/** A user's list of videos. Each function calls the procedure of its name and throws `DatabaseError`. */

import { z } from "zod";
import { callProcedure, type DatabaseContext } from "./client.ts";
import { filesSchema } from "./files.ts";
import { jobSchema, LEASE_SECONDS, leasedJobSchema } from "./records.ts";
import type { RunState } from "../providers/provider.ts";

const pageSchema = z.object({
  videos: z.array(z.union([jobSchema, z.strictObject({ job_id: z.string(), deleted_at: z.string() })])),
  next: z.object({ at: z.string(), job_id: z.string() }).nullable(),
  server_time_ms: z.number(),
  /** Only in a list of changes: deletions before this time are no longer listed. */
  deletions_since: z.string().optional(),
});
/** A page of a list of videos, among them the tombstones of deleted ones. */
export type VideoPage = z.infer<typeof pageSchema>;

/** A page of a user's videos, newest first. */
export async function listVideos(
  context: DatabaseContext,
  userId: string,
  page: {
    limit: number;
    status?: string | undefined;
    nodeId?: string | undefined;
    before?: { at: number; jobId: string } | undefined;
  },
): Promise<VideoPage> {
  return await callProcedure(context, pageSchema, "list_videos", {
    p_user_id: userId,
    p_limit: page.limit,
    ...(page.status === undefined ? {} : { p_status: page.status }),
    ...(page.nodeId === undefined ? {} : { p_node_id: page.nodeId }),
    ...(page.before === undefined ? {} : { p_before_microseconds: page.before.at, p_before_job_id: page.before.jobId }),
  });
}

/** A page of what changed in a user's videos since an instant, in the order of the changes. */
export async function changedVideos(
  context: DatabaseContext,
  userId: string,
  page: {
    sinceMs: number;
    limit: number;
    status?: string | undefined;
    after?: { untilMs: number; at: number; jobId: string } | undefined;
  },
): Promise<VideoPage> {
  return await callProcedure(context, pageSchema, "changed_videos", {
    p_user_id: userId,
    p_since_ms: page.sinceMs,
    p_limit: page.limit,
    ...(page.status === undefined ? {} : { p_status: page.status }),
    ...(page.after === undefined ? {} : {
      p_until_ms: page.after.untilMs,
      p_after_microseconds: page.after.at,
      p_after_job_id: page.after.jobId,
    }),
  });
}

/** The states that the providers have just reported of runs, by run id. `unknown`: the provider did not answer. */
export type RunStates = { [runId: string]: RunState["state"] | "unknown" };

const limitSchema = z.object({
  outcome: z.literal("cancel_limit_reached"),
  /** How many are allowed. */
  limit: z.number(),
  /** Seconds until the next one is allowed. */
  retry_after: z.number(),
});

const cancelSchema = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("cancelled"), job: jobSchema, leased_job: leasedJobSchema }),
  z.object({ outcome: z.literal("check_run"), leased_job: leasedJobSchema }),
  z.object({ outcome: z.literal("not_cancellable"), job: jobSchema, leased_job: leasedJobSchema.nullish() }),
  limitSchema,
]).nullable();
export type CancelOutcome = z.infer<typeof cancelSchema>;

/** Cancels and refunds a user's unfinished job, or returns why not; null for a job that is not theirs. */
export async function cancelJob(
  context: DatabaseContext,
  userId: string,
  jobId: string,
  runStates: RunStates,
): Promise<CancelOutcome> {
  return await callProcedure(context, cancelSchema, "cancel_job", {
    p_user_id: userId,
    p_job_id: jobId,
    p_run_states: runStates,
    p_lease_seconds: LEASE_SECONDS,
  });
}

const deletionSchema = z.object({
  files: filesSchema,
  /** Runs of deleted jobs, to be cancelled. */
  runs: z.array(leasedJobSchema),
  deleted: z.array(z.string()),
  not_found: z.array(z.string()),
  not_deleted: z.array(z.object({ job_id: z.string(), code: limitSchema.shape.outcome })),
  /** Not deleted yet: their providers must be asked first whether these have started. */
  runs_to_check: z.array(leasedJobSchema),
});
export type Deletion = z.infer<typeof deletionSchema>;

/** Deletes videos of a user, and refunds those that were not delivered. */
export async function deleteVideos(
  context: DatabaseContext,
  userId: string,
  jobIds: string[],
  runStates: RunStates,
): Promise<Deletion> {
  return await callProcedure(context, deletionSchema, "delete_videos", {
    p_user_id: userId,
    p_job_ids: jobIds,
    p_run_states: runStates,
  });
}
