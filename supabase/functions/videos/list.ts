import { z } from "zod";
import type { Job } from "../_shared/database/records.ts";
import { changedVideos, listVideos, type VideoPage } from "../_shared/database/videos.ts";
import { json } from "../_shared/http/endpoint.ts";
import { text } from "../_shared/http/fields.ts";
import { instant, nextCursor, readCursor } from "../_shared/http/list-query.ts";
import { readQuery } from "../_shared/http/query.ts";
import { jobViews } from "../_shared/jobs/view.ts";
import type { JobContext } from "../_shared/jobs/context.ts";

export const listQuery = z.strictObject({
  limit: z.coerce.number({ error: "must be 1 to 100" }).int({ error: "must be 1 to 100" })
    .min(1, { error: "must be 1 to 100" }).max(100, { error: "must be 1 to 100" }).default(20),
  cursor: z.string().optional(),
  status: z.enum(["pending", "processing", "completed", "failed"], {
    error: "must be pending, processing, completed or failed",
  }).optional(),
  node_id: text(1, 128).optional(),
  updated_since: instant,
  updatedSince: instant,
});

const queryWithCursor = listQuery.transform(({ cursor, updated_since, updatedSince, ...rest }, context) => {
  const sinceMs = updated_since ?? updatedSince;
  if (sinceMs !== undefined && rest.node_id !== undefined) {
    context.addIssue({ code: "custom", path: ["node_id"], message: "must not be sent together with updated_since" });
  }
  return { ...rest, sinceMs, cursor: readCursor(cursor, sinceMs !== undefined, context) };
});

/**
 * GET /videos: the user's videos, newest first; with `updated_since` what has changed since, oldest change first, deleted
 * ones as tombstones. A client that sends `server_time_ms` as its next `updated_since` misses and repeats no change. One
 * whose `updated_since` is before `deletions_since` has missed deletions, and must read the whole list anew.
 */
export async function getVideos(context: JobContext, request: Request): Promise<Response> {
  const { limit, status, node_id, sinceMs, cursor } = readQuery(request, queryWithCursor);
  const page = sinceMs === undefined
    ? await listVideos(context, context.userId, { limit, status, nodeId: node_id, before: cursor ?? undefined })
    : await changedVideos(context, context.userId, {
      sinceMs,
      limit,
      status,
      after: cursor === null ? undefined : { at: cursor.at, jobId: cursor.jobId, untilMs: cursor.untilMs ?? 0 },
    });
  return json({
    videos: await viewsOf(context, page),
    next_cursor: nextCursor(page, sinceMs !== undefined),
    server_time: new Date(page.server_time_ms).toISOString(),
    server_time_ms: page.server_time_ms,
    ...(page.deletions_since === undefined ? {} : { deletions_since: page.deletions_since }),
  });
}

async function viewsOf(context: JobContext, page: VideoPage): Promise<unknown[]> {
  const jobs = page.videos.filter((video): video is Job => "status" in video);
  const views = new Map((await jobViews(context, jobs)).map((view) => [view.job_id, view]));
  return page.videos.map((video) => views.get(video.job_id) ?? video);
}
