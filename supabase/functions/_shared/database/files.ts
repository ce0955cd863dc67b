/** The queue of files to delete. Each function calls the procedure of its name and throws `DatabaseError`. */

import { z } from "zod";
import { callProcedure, type DatabaseContext } from "./client.ts";

const fileSchema = z.object({ bucket: z.string(), path: z.string() });
export const filesSchema = z.array(fileSchema);
/** A file in Storage that is to be deleted. */
export type StoredFile = z.infer<typeof fileSchema>;

/** The files that have waited longest and may still be in Storage. */
export async function listFilesToDelete(context: DatabaseContext, limit: number): Promise<StoredFile[]> {
  return await callProcedure(context, filesSchema, "list_files_to_delete", { p_limit: limit });
}

/** A page of a user's files to delete; the next page begins after the last file of this one. */
export async function listFilesOfUser(
  context: DatabaseContext,
  userId: string,
  limit: number,
  after?: StoredFile,
): Promise<StoredFile[]> {
  return await callProcedure(context, filesSchema, "list_files_of_user", {
    p_user_id: userId,
    p_limit: limit,
    ...(after === undefined ? {} : { p_after_bucket: after.bucket, p_after_path: after.path }),
  });
}

/** Takes deleted files out of the queue. */
export async function recordDeletedFiles(context: DatabaseContext, files: StoredFile[]): Promise<void> {
  await callProcedure(context, z.unknown(), "record_deleted_files", { p_files: files });
}

/** Moves a file that could not be deleted to the end of the queue. */
export async function postponeFile(context: DatabaseContext, file: StoredFile): Promise<void> {
  await callProcedure(context, z.unknown(), "postpone_file", { p_bucket: file.bucket, p_path: file.path });
}
