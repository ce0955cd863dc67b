import { z } from "zod";
import { revokeShares, shareVideo } from "../_shared/database/shares.ts";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { readOptionalBody } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { text, uuid } from "../_shared/http/fields.ts";
import { readQuery } from "../_shared/http/query.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { shareUrl } from "../_shared/jobs/share-url.ts";

/** From a minute to a year. */
const LIFE = { error: "must be a whole number from 60 to 31536000" };

export const shareBody = z.strictObject({
  expires_in_seconds: z.int(LIFE).min(60, LIFE).max(31_536_000, LIFE).optional(),
  title: z.string({ error: "must be text" }).trim().pipe(text(1, 200)).optional(),
});

/** POST /videos/{job_id}/share: a new link by which anyone sees the video until the link is revoked or expires. */
export async function createLink(context: JobContext, request: Request, id: string): Promise<Response> {
  const body = await readOptionalBody(request, shareBody);
  const jobId = jobIdOf(context, id);
  const outcome = await shareVideo(context, context.userId, jobId, {
    title: body.title,
    expiresInSeconds: body.expires_in_seconds,
  });
  if (outcome === null) throw new RequestError("job_not_found");
  switch (outcome.outcome) {
    case "not_shareable":
      throw new RequestError("not_shareable", { job_id: jobId, status: outcome.status });
    case "share_limit_reached":
      throw new RequestError("share_limit_reached", { job_id: jobId, limit: outcome.limit });
    case "shared": {
      const { share_id, expires_at } = outcome.share;
      const url = shareUrl(context.environment, outcome.share);
      return json({
        share_id,
        url,
        page_url: `${url}/page`,
        thumbnail_url: outcome.has_thumbnail ? `${url}/thumbnail` : null,
        subtitles_url: outcome.has_subtitles ? `${url}/subtitles` : null,
        expires_at,
      });
    }
  }
}

export const revocationQuery = z.strictObject({ share_id: uuid.optional() });

/** DELETE /videos/{job_id}/share: revokes one link of the video, or all of them. They are 404 from now on. */
export async function revokeLinks(context: JobContext, request: Request, id: string): Promise<Response> {
  const { share_id } = readQuery(request, revocationQuery);
  const jobId = jobIdOf(context, id);
  const revoked = await revokeShares(context, context.userId, jobId, share_id);
  if (revoked === null) throw new RequestError("job_not_found");
  return json({ job_id: jobId, revoked });
}

function jobIdOf(context: JobContext, id: string): string {
  const jobId = uuid.safeParse(id).data;
  if (jobId === undefined) throw new RequestError("job_not_found");
  context.logFields.job_id = jobId;
  return jobId;
}
