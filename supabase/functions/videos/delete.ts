import { z } from "zod";
import { keepAlive } from "../_shared/background.ts";
import { VIDEO_BUCKET } from "../_shared/deliver.ts";
import { readBody } from "../_shared/http/body.ts";
import { type Call, json } from "../_shared/http/endpoint.ts";
import { uuid } from "../_shared/http/fields.ts";
import { errorText } from "../_shared/log.ts";
import { cancelRun } from "../_shared/provider-run.ts";
import { deleteFiles } from "../_shared/storage-utils.ts";
import type { Tools } from "../_shared/tools.ts";

const jobIds = z.array(uuid, { error: "must be a list of UUIDs" })
  .min(1, { error: "must name 1 to 100 videos" }).max(100, { error: "must name 1 to 100 videos" });

const body = z.union([
  z.strictObject({ job_ids: jobIds }).transform((named) => named.job_ids),
  z.strictObject({ jobIds }).transform((named) => named.jobIds),
], { error: "must be { job_ids: [1 to 100 UUIDs] }" });

/** DELETE /videos: rows at once, refunding what was not delivered; then files, and runs at the provider. */
export async function deleteVideos(tools: Tools, call: Call, request: Request): Promise<Response> {
  const asked = await readBody(request, body);
  const { deleted, not_found, files, runs } = await tools.jobs.delete(call.userId, asked);
  call.log("info", "videos_deleted", { count: deleted.length, cancelled: runs.length });

  const started = runs.filter((work) => work.provider_job_id !== null);
  keepAlive(Promise.all(started.map((work) => cancelRun(tools, work))));
  try {
    await tools.phases.measure("storage", () => deleteFiles(tools.client, { bucket: VIDEO_BUCKET, paths: files }));
    await tools.jobs.recordDeletedFiles(deleted);
  } catch (error) {
    // Their owner is done with them; the purge finds the files by what their rows left behind.
    call.log("warn", "files_left_for_the_purge", { count: files.length, error: errorText(error) });
  }
  return json({ deleted, not_found });
}
