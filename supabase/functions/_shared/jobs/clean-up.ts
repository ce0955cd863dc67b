import { recordDeletedFiles, type StoredFile } from "../database/files.ts";
import type { LeasedJob } from "../database/records.ts";
import { keepAlive } from "../runtime/background.ts";
import { errorText } from "../runtime/log.ts";
import { cancelRun } from "./runs.ts";
import { deleteFiles } from "../storage/delete.ts";
import type { JobContext } from "./context.ts";

/** After rows were deleted: deletes their files in Storage, and cancels their runs in the background. */
export async function cleanUpAfterDeletion(
  context: JobContext,
  left: { files: StoredFile[]; runs: LeasedJob[] },
): Promise<void> {
  const started = left.runs.filter((leased) => leased.provider_job_id !== null);
  keepAlive(Promise.all(started.map((leased) => cancelRun(context, leased))));
  try {
    await deleteQueuedFiles(context, left.files);
  } catch (error) {
    // The user's request has succeeded; the purge deletes the files that are still in the queue.
    context.log("warn", "files_left_for_the_purge", { count: left.files.length, error: errorText(error) });
  }
}

/** Deletes files and takes them out of the queue of files to delete. Throws `MediaError` and `DatabaseError`. */
export async function deleteQueuedFiles(context: JobContext, files: StoredFile[]): Promise<void> {
  if (files.length === 0) return;
  for (const bucket of new Set(files.map((file) => file.bucket))) {
    const paths = files.filter((file) => file.bucket === bucket).map(({ path }) => path);
    await context.timing.measure("storage", () => deleteFiles(context.client, { bucket, paths }));
  }
  await recordDeletedFiles(context, files);
}
