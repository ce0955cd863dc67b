import { keepAlive } from "../runtime/background.ts";
import type { StoredFiles, Work } from "../database/records.ts";
import { errorText } from "../runtime/log.ts";
import { cancelRun } from "./check.ts";
import { deleteFiles } from "../storage/storage-utils.ts";
import type { Tools } from "./context.ts";

/** What the deletion of rows leaves to do: files in Storage, and runs at the providers, which nobody waits for. */
export async function discard(tools: Tools, left: { files: StoredFiles; runs: Work[] }): Promise<void> {
  const started = left.runs.filter((work) => work.provider_job_id !== null);
  keepAlive(Promise.all(started.map((work) => cancelRun(tools, work))));
  try {
    await discardFiles(tools, left.files);
  } catch (error) {
    // Their owner is done with them; the purge finds them in the list of files to delete.
    tools.log("warn", "files_left_for_the_purge", { count: left.files.length, error: errorText(error) });
  }
}

/** Deletes files and takes them off the list of files to delete. Throws `MediaError` and `DatabaseError`. */
export async function discardFiles(tools: Tools, files: StoredFiles): Promise<void> {
  if (files.length === 0) return;
  for (const bucket of new Set(files.map((file) => file.bucket))) {
    const paths = files.filter((file) => file.bucket === bucket).map(({ path }) => path);
    await tools.phases.measure("storage", () => deleteFiles(tools.client, { bucket, paths }));
  }
  await tools.jobs.recordDeletedFiles(files);
}
