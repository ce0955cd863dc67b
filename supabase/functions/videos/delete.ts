import { z } from "zod";
import { discard } from "../_shared/discard.ts";
import { readBody } from "../_shared/http/body.ts";
import { type Call, json } from "../_shared/http/endpoint.ts";
import { uuid } from "../_shared/http/fields.ts";
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
  const { deleted, not_found, ...left } = await tools.jobs.delete(call.userId, asked);
  call.log("info", "videos_deleted", { count: deleted.length, cancelled: left.runs.length });
  await discard(tools, left);
  return json({ deleted, not_found });
}
