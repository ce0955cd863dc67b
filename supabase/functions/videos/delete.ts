import { z } from "zod";
import type { LeasedJob } from "../_shared/database/records.ts";
import { deleteVideos, type Deletion, type RunStates } from "../_shared/database/videos.ts";
import { cleanUpAfterDeletion } from "../_shared/jobs/clean-up.ts";
import { readBody } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { uuid } from "../_shared/http/fields.ts";
import { checkRuns } from "../_shared/jobs/runs.ts";
import type { JobContext } from "../_shared/jobs/context.ts";

const jobIds = z.array(uuid, { error: "must be a list of UUIDs" })
  .min(1, { error: "must be a list of 1 to 100 UUIDs" }).max(100, { error: "must be a list of 1 to 100 UUIDs" });

export const deleteBody = z.union([
  z.strictObject({ job_ids: jobIds }).transform((named) => named.job_ids),
  z.strictObject({ jobIds }).transform((named) => named.jobIds),
], { error: "must be { job_ids: [1 to 100 UUIDs] }" });

/** Another attempt may replace a run that was checked, but hardly twice. */
const MAX_CHECKS = 3;

/**
 * DELETE /videos: deletes rows at once and refunds what was not delivered; then deletes files and cancels runs. Started
 * videos are refunded a limited number of times a day: beyond that limit they are not deleted, and continue.
 */
export async function deleteNamedVideos(context: JobContext, request: Request): Promise<Response> {
  const asked = await readBody(request, deleteBody);
  const runs: LeasedJob[] = [];
  let runStates: RunStates = {};
  let deletion: Deletion;
  for (let checks = 0;; checks++) {
    deletion = await deleteVideos(context, context.userId, asked, runStates);
    runs.push(...deletion.runs);
    if (deletion.runs_to_check.length === 0 || checks === MAX_CHECKS) break;
    runStates = await checkRuns(context, deletion.runs_to_check);
  }
  const { deleted, not_found, not_deleted, runs_to_check, files } = deletion;
  context.log("info", "videos_deleted", { count: deleted.length, cancelled: runs.length });
  await cleanUpAfterDeletion(context, { files, runs });
  const left = [...not_deleted, ...runs_to_check.map(({ job_id }) => ({ job_id, code: "unavailable" }))];
  return json({ deleted, not_found, ...(left.length === 0 ? {} : { not_deleted: left }) });
}
