/** Images that users upload. Each function calls the procedure of its name and throws `DatabaseError`. */

import { z } from "zod";
import { callProcedure, type DatabaseContext } from "./client.ts";

const uploadSchema = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("created"), path: z.string(), max_bytes: z.number() }),
  z.object({ outcome: z.literal("upload_limit_reached"), limit: z.number(), retry_after: z.number() }),
]);

/** A path for one new file of a user, or why there is none. */
export async function startUpload(
  context: DatabaseContext,
  userId: string,
  contentType: string,
): Promise<z.infer<typeof uploadSchema>> {
  return await callProcedure(context, uploadSchema, "start_upload", {
    p_user_id: userId,
    p_content_type: contentType,
  });
}

/** Records whether a version of a file is of the type that was declared for it. */
export async function recordCheckedUpload(
  context: DatabaseContext,
  upload: { path: string; version: string; isAsDeclared: boolean },
): Promise<void> {
  await callProcedure(context, z.unknown(), "record_checked_upload", {
    p_path: upload.path,
    p_version: upload.version,
    p_is_as_declared: upload.isAsDeclared,
  });
}
