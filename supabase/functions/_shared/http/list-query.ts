/** What the queries of lists of videos have in common. */

import { z } from "zod";
import type { VideoPage } from "../database/videos.ts";
import { uuid } from "./fields.ts";

/** The last millisecond of the year 9999: `toISOString` writes later years in another form. */
const LAST_MS = 253_402_300_799_999;

const AN_INSTANT = { error: "must be Unix milliseconds, or ISO 8601 with a time zone" };
/** In the form of `server_time_ms` or `server_time`. A `+` that was not encoded in the query arrives as a space. */
export const instant = z.union([
  z.string().regex(/^\d{1,15}$/).transform(Number),
  z.string().transform((text) => text.replace(" ", "+")).pipe(z.iso.datetime({ offset: true }))
    .transform((text) => Date.parse(text)),
], AN_INSTANT).pipe(z.number().min(0, AN_INSTANT).max(LAST_MS, AN_INSTANT)).optional();

/** Where a page ended: microseconds, job, and for a list of changes the instant up to which it goes, in milliseconds. */
const cursorSchema = z.string().transform((text) => {
  const [at, jobId, untilMs = null, ...rest] = text.split("_");
  return rest.length === 0 ? { at, jobId, untilMs } : null;
}).pipe(z.object({
  at: z.string().regex(/^\d{1,18}$/).transform(Number).pipe(z.number().max(LAST_MS * 1000)),
  jobId: uuid,
  untilMs: z.string().regex(/^\d{1,15}$/).transform(Number).pipe(z.number().max(LAST_MS)).nullable(),
}));
type Cursor = z.infer<typeof cursorSchema>;

/** The cursor of a query, null without one. Adds an issue for a text that no page of this list has ended with. */
export function readCursor(text: string | undefined, isOfChanges: boolean, context: z.RefinementCtx): Cursor | null {
  const cursor = text === undefined ? null : cursorSchema.safeParse(text).data;
  if (cursor === undefined || (cursor !== null && (cursor.untilMs !== null) !== isOfChanges)) {
    context.addIssue({ code: "custom", path: ["cursor"], message: "must be the next_cursor of a page of this list" });
    return z.NEVER;
  }
  return cursor;
}

/** The cursor of the page after this one; null for the last page. */
export function nextCursor({ next, server_time_ms }: VideoPage, isOfChanges: boolean): string | null {
  return next === null ? null : [next.at, next.job_id, ...(isOfChanges ? [server_time_ms] : [])].join("_");
}
