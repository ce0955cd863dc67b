import { listFilesToDelete, postponeFile, type StoredFile } from "../_shared/database/files.ts";
import { deleteListedFiles } from "../_shared/jobs/clean-up.ts";
import { errorText } from "../_shared/runtime/log.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import type { PurgeResult } from "./purge.ts";

const BATCH = 100;
/** Each is one or two calls of Storage, and one of the database. */
const MAX_BATCHES = 40;

/** Deletes files that are on the list of those to be deleted. Throws what Storage said when it deletes none at all. */
export async function purgeFiles(context: JobContext, until: number): Promise<PurgeResult> {
  let count = 0;
  for (let batches = 0; batches < MAX_BATCHES && performance.now() < until; batches++) {
    const files = await listFilesToDelete(context, BATCH);
    count += await deleteBatch(context, files, until);
    if (files.length < BATCH) return { count, more: performance.now() >= until };
  }
  return { count, more: true };
}

/** One file that cannot be deleted keeps none of the others: where a batch fails, each is deleted by itself. */
async function deleteBatch(context: JobContext, files: StoredFile[], until: number): Promise<number> {
  let refusal: unknown;
  try {
    await deleteListedFiles(context, files);
    return files.length;
  } catch (error) {
    refusal = error;
  }
  let deleted = 0;
  for (const file of files) {
    if (performance.now() >= until) break;
    try {
      await deleteListedFiles(context, [file]);
      deleted++;
    } catch (error) {
      refusal = error;
      context.log("warn", "file_not_deleted", { bucket: file.bucket, path: file.path, error: errorText(error) });
      // To the end of the list, so that those behind it are reached.
      await postponeFile(context, file);
    }
  }
  if (deleted === 0) throw refusal;
  return deleted;
}
