/** The life of an uploaded image between its address and its first use. */

import { z } from "zod";
import { callProcedure } from "../database/client.ts";
import { discard } from "./clean-up.ts";
import { imageTypeOf, SIGNATURE_BYTES } from "../storage/image-signature.ts";
import { INPUT_BUCKET } from "./step-input.ts";
import { firstBytes } from "../storage/download.ts";
import type { JobContext } from "./context.ts";

const uploadSchema = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("created"), path: z.string(), max_bytes: z.number() }),
  z.object({ outcome: z.literal("upload_limit_reached"), limit: z.number(), retry_after: z.number() }),
]);

/** A place for one new file of a user's, or why there is none. Throws `DatabaseError`. */
export async function startUpload(
  context: JobContext,
  contentType: string,
): Promise<z.infer<typeof uploadSchema>> {
  return uploadSchema.parse(
    await callProcedure(context.client, context.timing, "start_upload", {
      p_user_id: context.userId,
      p_content_type: contentType,
    }),
  );
}

/**
 * Looks at the first bytes of a file that nobody has looked at yet, and notes whether they are those of the announced
 * type; if not, deletes it. Throws `MediaError` and `DatabaseError`.
 */
export async function checkUpload(
  context: JobContext,
  upload: { path: string; content_type: string; version: string; bytes: number | null },
): Promise<void> {
  const file = { bucket: INPUT_BUCKET, path: upload.path };
  // Of an empty file no range can be read.
  const start = upload.bytes === 0 ? new Uint8Array() : await context.timing.measure(
    "storage",
    () => firstBytes(context.client, { ...file, count: SIGNATURE_BYTES }),
  );
  // It was deleted meanwhile: whoever starts again is told so.
  if (start === null) return;
  const isAsDeclared = imageTypeOf(start) === upload.content_type;
  await callProcedure(context.client, context.timing, "record_checked_upload", {
    p_path: upload.path,
    p_version: upload.version,
    p_is_as_declared: isAsDeclared,
  });
  if (!isAsDeclared) await discard(context, { files: [file], runs: [] });
}
