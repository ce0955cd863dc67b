/** Links to finished videos. Each function calls the procedure of its name and throws `DatabaseError`. */

import { z } from "zod";
import { callProcedure, type DatabaseContext } from "./client.ts";
import { jobSchema } from "./records.ts";

const newShareSchema = z.discriminatedUnion("outcome", [
  z.object({
    outcome: z.literal("shared"),
    share: z.object({
      share_id: z.string(),
      token: z.string(),
      /** Null where the database does not know the address of the functions. */
      url: z.string().nullable(),
      expires_at: z.string().nullable(),
    }),
    has_thumbnail: z.boolean(),
    has_subtitles: z.boolean(),
  }),
  z.object({ outcome: z.literal("not_shareable"), status: jobSchema.shape.status }),
  z.object({ outcome: z.literal("share_limit_reached"), limit: z.number() }),
]).nullable();

/** Makes a link to a user's finished video, or returns why not; null for a job that is not theirs. */
export async function shareVideo(
  context: DatabaseContext,
  userId: string,
  jobId: string,
  { title, expiresInSeconds }: { title?: string | undefined; expiresInSeconds?: number | undefined },
): Promise<z.infer<typeof newShareSchema>> {
  return await callProcedure(context, newShareSchema, "share_video", {
    p_user_id: userId,
    p_job_id: jobId,
    ...(title === undefined ? {} : { p_title: title }),
    ...(expiresInSeconds === undefined ? {} : { p_expires_in_seconds: expiresInSeconds }),
  });
}

/** Revokes one link to a user's video, or all; returns how many there were, or null for a job that is not theirs. */
export async function revokeShares(
  context: DatabaseContext,
  userId: string,
  jobId: string,
  shareId: string | undefined,
): Promise<number | null> {
  return await callProcedure(context, z.number().nullable(), "revoke_shares", {
    p_user_id: userId,
    p_job_id: jobId,
    ...(shareId === undefined ? {} : { p_share_id: shareId }),
  });
}

const shareSchema = jobSchema.pick({
  job_id: true,
  video_path: true,
  video_url: true,
  thumbnail_path: true,
  thumbnail_url: true,
  subtitles_path: true,
}).extend({
  url: z.string().nullable(),
  title: z.string().nullable(),
  aspect_ratio: z.unknown(),
  /** Whether the subtitles are in the picture too. */
  has_drawn_subtitles: z.boolean(),
  /** Null: the link does not expire. */
  seconds_left: z.number().nullable(),
});
/** What a link shows. */
export type Share = z.infer<typeof shareSchema>;

/** What a link shows, by its secret part; null for one that is unknown, revoked or expired, or whose video is gone. */
export async function readShare(context: DatabaseContext, token: string): Promise<Share | null> {
  return await callProcedure(context, shareSchema.nullable(), "read_share", { p_token: token });
}
