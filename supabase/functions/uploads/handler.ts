import { z } from "zod";
import type { Dependencies } from "../_shared/dependencies.ts";
import { readBody } from "../_shared/http/body.ts";
import { type Call, json } from "../_shared/http/endpoint.ts";
import { INPUT_BUCKET } from "../_shared/step-input.ts";
import { signedUpload } from "../_shared/storage-utils.ts";

/** Supabase's own limit of a signed upload URL. */
const EXPIRES_IN_SECONDS = 2 * 60 * 60;
/** The bucket's own limit (see the migration that makes it). */
const MAX_BYTES = 10_485_760;

const extensions = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif" } as const;

const body = z.strictObject({
  content_type: z.enum(["image/jpeg", "image/png", "image/webp", "image/gif"], {
    error: "must be image/jpeg, image/png, image/webp or image/gif",
  }),
});

/** POST /uploads: an address to upload one image to, in the user's own folder, to be named as `image_path` afterwards. */
export async function uploads(dependencies: Dependencies, request: Request, call: Call): Promise<Response> {
  const { content_type } = await readBody(request, body);
  const path = `${call.userId}/${crypto.randomUUID()}.${extensions[content_type]}`;
  const upload = await call.phases.measure(
    "storage",
    () => signedUpload(dependencies.client, { bucket: INPUT_BUCKET, path }),
  );
  return json({
    image_path: path,
    upload_url: upload.url,
    token: upload.token,
    method: "PUT",
    headers: { "Content-Type": content_type },
    max_bytes: MAX_BYTES,
    expires_in: EXPIRES_IN_SECONDS,
  });
}
