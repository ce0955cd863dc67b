import { z } from "zod";
import { readBody } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { uuid } from "../_shared/http/fields.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { deleteUsersVideos } from "../_shared/jobs/deletion.ts";

const jobIds = z.array(uuid, { error: "must be a list of UUIDs" })
  .min(1, { error: "must be a list of 1 to 100 UUIDs" }).max(100, { error: "must be a list of 1 to 100 UUIDs" });

export const deleteBody = z.union([
  z.strictObject({ job_ids: jobIds }).transform((named) => named.job_ids),
  z.strictObject({ jobIds }).transform((named) => named.jobIds),
], { error: "must be { job_ids: [1 to 100 UUIDs] }" });

/** DELETE /videos. */
export async function deleteNamedVideos(context: JobContext, request: Request): Promise<Response> {
  const { not_deleted, ...done } = await deleteUsersVideos(context, await readBody(request, deleteBody));
  return json({ ...done, ...(not_deleted.length === 0 ? {} : { not_deleted }) });
}
