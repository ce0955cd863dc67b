/** The life of an uploaded image between its address and its first use. */

import { recordCheckedUpload } from "../database/uploads.ts";
import { cleanUpAfterDeletion } from "./clean-up.ts";
import { imageTypeOf, SIGNATURE_BYTES } from "../storage/image-signature.ts";
import { INPUT_BUCKET } from "./step-input.ts";
import { firstBytes } from "../storage/download.ts";
import type { JobContext } from "./context.ts";

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
  await recordCheckedUpload(context, { path: upload.path, version: upload.version, isAsDeclared });
  if (!isAsDeclared) await cleanUpAfterDeletion(context, { files: [file], runs: [] });
}
