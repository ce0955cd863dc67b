import { z } from "zod";
import { readBody } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { IMAGE_TYPES } from "../_shared/storage/image-signature.ts";
import { limitReached } from "../_shared/errors/limit-reached.ts";
import { INPUT_BUCKET } from "../_shared/jobs/buckets.ts";
import { signedUpload } from "../_shared/storage/signed-urls.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { startUpload } from "../_shared/database/uploads.ts";

/** Supabase's own limit of a signed upload URL. */
const EXPIRES_IN_SECONDS = 2 * 60 * 60;

export const uploadBody = z.strictObject({
  content_type: z.enum(IMAGE_TYPES, { error: "must be image/jpeg, image/png, image/webp or image/gif" }),
});

/** POST /uploads: an address to upload one image to, in the user's own folder; `image_path` then names it in requests. */
export async function uploads(context: JobContext, request: Request): Promise<Response> {
  const { content_type } = await readBody(request, uploadBody);
  const upload = await startUpload(context, context.userId, content_type);
  if (upload.outcome === "upload_limit_reached") throw limitReached(upload, {}, 0);
  const signed = await context.timing.measure(
    "storage",
    () => signedUpload(context.client, { bucket: INPUT_BUCKET, path: upload.path }),
  );
  return json({
    image_path: upload.path,
    upload_url: signed.url,
    token: signed.token,
    method: "PUT",
    headers: { "Content-Type": content_type },
    max_bytes: upload.max_bytes,
    expires_in: EXPIRES_IN_SECONDS,
  });
}
