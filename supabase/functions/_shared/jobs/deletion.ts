import type { LeasedJob } from "../database/records.ts";
import { deleteVideos, type Deletion, type RunStates } from "../database/videos.ts";
import { cleanUpAfterDeletion } from "./clean-up.ts";
import type { JobContext } from "./context.ts";
import { checkRuns } from "./runs.ts";

/** Another attempt may replace a run that was checked, but hardly twice. */
const MAX_CHECKS = 3;

/** What became of the videos that a user wants to delete. */
export interface DeletedVideos {
  deleted: string[];
  not_found: string[];
  not_deleted: { job_id: string; code: "cancel_limit_reached" | "unavailable" }[];
}

/**
 * Deletes rows at once and refunds what was not delivered; then deletes files and cancels runs. Started videos are
 * refunded a limited number of times a day: beyond that limit they are not deleted, and continue.
 */
export async function deleteUsersVideos(context: JobContext, jobIds: string[]): Promise<DeletedVideos> {
  const runs: LeasedJob[] = [];
  let runStates: RunStates = {};
  let deletion: Deletion;
  for (let checks = 0;; checks++) {
    deletion = await deleteVideos(context, context.userId, jobIds, runStates);
    runs.push(...deletion.runs);
    if (deletion.runs_to_check.length === 0 || checks === MAX_CHECKS) break;
    runStates = await checkRuns(context, deletion.runs_to_check);
  }
  const { deleted, not_found, not_deleted, runs_to_check, files } = deletion;
  context.log("info", "videos_deleted", { count: deleted.length, cancelled: runs.length });
  await cleanUpAfterDeletion(context, { files, runs });
  const unchecked = runs_to_check.map(({ job_id }) => ({ job_id, code: "unavailable" as const }));
  return { deleted, not_found, not_deleted: [...not_deleted, ...unchecked] };
}
