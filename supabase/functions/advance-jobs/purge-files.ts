import { listFilesToDelete, postponeFile, type StoredFile } from "../_shared/database/files.ts";
import { deleteQueuedFiles } from "../_shared/jobs/clean-up.ts";
import { errorText } from "../_shared/runtime/log.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import type { PurgeResult } from "./purge.ts";

const BATCH = 100;
/** Each batch needs one or two calls of Storage, and one of the database. */
const MAX_BATCHES = 40;

/** Deletes the files in the queue. Throws the error of Storage when it deletes none of a batch. */
export async function purgeFiles(context: JobContext, until: number): Promise<PurgeResult> {
  let count = 0;
  for (let batches = 0; batches < MAX_BATCHES && performance.now() < until; batches++) {
    const files = await listFilesToDelete(context, BATCH);
    count += await deleteBatch(context, files, until);
    if (files.length < BATCH) return { count, more: performance.now() >= until };
  }
  return { count, more: true };
}

/** Deletes a batch; where that fails, each file by itself, so that one file does not keep the others. */
async function deleteBatch(context: JobContext, files: StoredFile[], until: number): Promise<number> {
  let refusal: unknown;
  try {
    await deleteQueuedFiles(context, files);
    return files.length;
  } catch (error) {
    refusal = error;
  }
  let deleted = 0;
  for (const file of files) {
    if (performance.now() >= until) break;
    try {
      await deleteQueuedFiles(context, [file]);
      deleted++;
    } catch (error) {
      refusal = error;
      context.log("warn", "file_not_deleted", { bucket: file.bucket, path: file.path, error: errorText(error) });
      // To the end of the queue, so that the purge reaches the files behind it.
      await postponeFile(context, file);
    }
  }
  if (deleted === 0) throw refusal;
  return deleted;
}
