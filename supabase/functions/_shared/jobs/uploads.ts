import { recordCheckedUpload } from "../database/uploads.ts";
import { cleanUpAfterDeletion } from "./clean-up.ts";
import { imageTypeOf, SIGNATURE_BYTES } from "../storage/image-signature.ts";
import { INPUT_BUCKET } from "./buckets.ts";
import { firstBytes } from "../storage/download.ts";
import type { JobContext } from "./context.ts";

/**
 * Checks by the first bytes of an uploaded file whether it is of the declared type, and records it; deletes the file if it
 * is not. Throws `MediaError` and `DatabaseError`.
 */
export async function checkUpload(
  context: JobContext,
  upload: { path: string; content_type: string; version: string; bytes: number | null },
): Promise<void> {
  const file = { bucket: INPUT_BUCKET, path: upload.path };
  // Storage refuses a range of an empty file.
  const start = upload.bytes === 0 ? new Uint8Array() : await context.timing.measure(
    "storage",
    () => firstBytes(context.client, { ...file, count: SIGNATURE_BYTES }),
  );
  // The file was deleted meanwhile: the next start reports that.
  if (start === null) return;
  const isAsDeclared = imageTypeOf(start) === upload.content_type;
  await recordCheckedUpload(context, { path: upload.path, version: upload.version, isAsDeclared });
  if (!isAsDeclared) await cleanUpAfterDeletion(context, { files: [file], runs: [] });
}
