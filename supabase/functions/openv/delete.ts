import { z } from "zod";
import { readBody } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { uuid } from "../_shared/http/fields.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { deleteUsersVideos } from "../_shared/jobs/deletion.ts";
import { MOST_VIDEOS } from "./list.ts";

/** As many as the procedure deletes at a time. */
const AT_ONCE = 100;
const IDS = { error: `must be a list of 1 to ${MOST_VIDEOS} UUIDs` };

/** All videos of a list, which its client can select together. */
export const deleteBody = z.strictObject({ jobIds: z.array(uuid, IDS).min(1, IDS).max(MOST_VIDEOS, IDS) });

/** DELETE /openv/api/videos: as DELETE /videos. */
export async function deleteListed(context: JobContext, request: Request): Promise<Response> {
  const body = await readBody(request, deleteBody);
  // One that is named twice would be deleted in two parts, and answered twice.
  const jobIds = [...new Set(body.jobIds)];
  const deleted: string[] = [];
  const notFound: string[] = [];
  const notDeleted: { jobId: string; code: string }[] = [];
  for (let from = 0; from < jobIds.length; from += AT_ONCE) {
    const done = await deleteUsersVideos(context, jobIds.slice(from, from + AT_ONCE));
    deleted.push(...done.deleted);
    notFound.push(...done.not_found);
    notDeleted.push(...done.not_deleted.map(({ job_id, code }) => ({ jobId: job_id, code })));
  }
  return json({ deleted, notFound, ...(notDeleted.length === 0 ? {} : { notDeleted }) });
}
