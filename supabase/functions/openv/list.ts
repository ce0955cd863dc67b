import { z } from "zod";
import type { Job } from "../_shared/database/records.ts";
import { changedVideos, listVideos, type VideoPage } from "../_shared/database/videos.ts";
import { json } from "../_shared/http/endpoint.ts";
import { instant, nextCursor, readCursor } from "../_shared/http/list-query.ts";
import { readQuery } from "../_shared/http/query.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { videosOf } from "./video.ts";

/** The most videos of one answer. Each costs a signature, and a function has two seconds of CPU. */
export const MOST_VIDEOS = 500;

/**
 * Its clients take the next `updatedSince` from their own clock, after the answer has arrived. So changes of the half
 * minute before it come again, for the client to merge: more than the twenty seconds between two of its polls.
 */
const OVERLAP_MS = 30_000;

export const videosQuery = z.strictObject({ updatedSince: instant, cursor: z.string().optional() });

const queryWithCursor = videosQuery.transform(({ updatedSince, cursor }, context) => ({
  updatedSince,
  cursor: readCursor(cursor, updatedSince !== undefined, context),
}));

/**
 * GET /openv/api/videos: the user's videos as a bare array, newest first; with `updatedSince` those that have changed
 * since, oldest change first. Deleted ones are absent. If there are more, the header `Link` leads to the next of them.
 */
export async function listAll(context: JobContext, request: Request): Promise<Response> {
  const { updatedSince, cursor } = readQuery(request, queryWithCursor);
  if (updatedSince === undefined) {
    const page = await listVideos(context, context.userId, { limit: MOST_VIDEOS, before: cursor ?? undefined });
    return await answer(context, page, nextCursor(page, false), {});
  }
  const read = (sinceMs: number) =>
    changedVideos(context, context.userId, {
      sinceMs: Math.max(0, sinceMs - OVERLAP_MS),
      limit: MOST_VIDEOS,
      after: cursor === null ? undefined : { at: cursor.at, jobId: cursor.jobId, untilMs: cursor.untilMs ?? 0 },
    });
  const page = await read(updatedSince);
  // A client whose clock is ahead of ours would miss what changes until our clock is there.
  const isAhead = cursor === null && updatedSince > page.server_time_ms;
  const since = isAhead ? page.server_time_ms : updatedSince;
  const known = isAhead ? await read(since) : page;
  return await answer(context, known, nextCursor(known, true), { updatedSince: String(since) });
}

async function answer(
  context: JobContext,
  page: VideoPage,
  cursor: string | null,
  query: Record<string, string>,
): Promise<Response> {
  const jobs = page.videos.filter((video): video is Job => "status" in video);
  const link = cursor === null ? {} : { Link: `<?${new URLSearchParams({ ...query, cursor })}>; rel="next"` };
  return json(await videosOf(context, jobs), 200, link);
}
