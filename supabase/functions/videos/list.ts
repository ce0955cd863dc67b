import { z } from "zod";
import { parse } from "../_shared/http/body.ts";
import { type Call, json } from "../_shared/http/endpoint.ts";
import { text } from "../_shared/http/fields.ts";
import { jobViews } from "../_shared/job-view.ts";
import type { Job, VideoPage } from "../_shared/job-records.ts";
import type { Tools } from "../_shared/tools.ts";

/** The last millisecond of the year 9999, beyond which Postgres and we have nothing to say. */
const LAST_MS = 253_402_300_799_999;

const milliseconds = z.coerce.number({ error: "must be Unix milliseconds" }).int({ error: "must be Unix milliseconds" })
  .min(0, { error: "must be Unix milliseconds" }).max(LAST_MS, { error: "must be Unix milliseconds" }).optional();

const query = z.strictObject({
  limit: z.coerce.number({ error: "must be 1 to 100" }).int({ error: "must be 1 to 100" })
    .min(1, { error: "must be 1 to 100" }).max(100, { error: "must be 1 to 100" }).default(20),
  cursor: z.string().optional(),
  status: z.enum(["pending", "processing", "completed", "failed"], {
    error: "must be pending, processing, completed or failed",
  }).optional(),
  node_id: text(1, 128).optional(),
  updated_since: milliseconds,
  updatedSince: milliseconds,
});

/** Where a page ended: microseconds, job, and for a list of changes the instant up to which it goes, in milliseconds. */
const cursorSchema = z.string().regex(/^\d{1,17}_[0-9a-f-]{36}(_\d{1,15})?$/).transform((text) => {
  const [at = "", jobId = "", untilMs] = text.split("_");
  return { at: Number(at), jobId, untilMs: untilMs === undefined ? null : Number(untilMs) };
});

const queryWithCursor = query.transform(({ cursor, updated_since, updatedSince, ...rest }, context) => {
  const sinceMs = updated_since ?? updatedSince;
  const parsed = cursor === undefined ? null : cursorSchema.safeParse(cursor).data;
  if (sinceMs !== undefined && rest.node_id !== undefined) {
    context.addIssue({ code: "custom", path: ["node_id"], message: "must not come together with updated_since" });
  }
  if (parsed === undefined || (parsed !== null && (parsed.untilMs !== null) !== (sinceMs !== undefined))) {
    context.addIssue({ code: "custom", path: ["cursor"], message: "must be the next_cursor of a page of this list" });
    return z.NEVER;
  }
  return { ...rest, sinceMs, cursor: parsed };
});

/**
 * GET /videos: the user's videos, newest first; with `updated_since` what has changed since, oldest change first, deleted
 * ones as tombstones. Asking again with `server_time_ms` as `updated_since` misses nothing and repeats nothing.
 */
export async function listVideos(tools: Tools, call: Call, url: URL): Promise<Response> {
  const { limit, status, node_id, sinceMs, cursor } = parse(queryWithCursor, Object.fromEntries(url.searchParams));
  const page = sinceMs === undefined
    ? await tools.jobs.list(call.userId, { limit, status, nodeId: node_id, before: cursor ?? undefined })
    : await tools.jobs.changed(call.userId, {
      sinceMs,
      limit,
      status,
      after: cursor === null ? undefined : { at: cursor.at, jobId: cursor.jobId, untilMs: cursor.untilMs ?? 0 },
    });
  return json({
    videos: await viewsOf(tools, call, page),
    next_cursor: page.next === null
      ? null
      : [page.next.at, page.next.job_id, ...(sinceMs === undefined ? [] : [page.server_time_ms])].join("_"),
    server_time: new Date(page.server_time_ms).toISOString(),
    server_time_ms: page.server_time_ms,
  });
}

async function viewsOf(tools: Tools, call: Call, page: VideoPage): Promise<unknown[]> {
  const jobs = page.videos.filter((video): video is Job => "status" in video);
  const views = new Map((await jobViews(tools, jobs, call.language)).map((view) => [view.job_id, view]));
  return page.videos.map((video) => views.get(video.job_id) ?? video);
}
