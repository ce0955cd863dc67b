import {
  deleteFinishedVideos,
  eraseAccount,
  leaveProjects,
  readAccount,
  rejoinProjects,
} from "../_shared/database/accounts.ts";
import { listFilesOfUser, type StoredFile } from "../_shared/database/files.ts";
import { cancelAbandonedRuns } from "../_shared/jobs/abandoned-runs.ts";
import { keepAlive } from "../_shared/runtime/background.ts";
import { deleteQueuedFiles } from "../_shared/jobs/clean-up.ts";
import { json } from "../_shared/http/endpoint.ts";
import { errorText } from "../_shared/runtime/log.ts";
import type { JobContext } from "../_shared/jobs/context.ts";

/** Videos whose rows are deleted at a time: a tenth of a second. */
const VIDEOS_A_BATCH = 500;
/** Files that Storage is asked to delete at a time; it takes a thousand at most. */
const FILES_A_BATCH = 500;
/** The time for each of the two loops; hosted functions end after 150 s. The database and the purge delete the rest. */
const BATCHES_FOR_MS = 20_000;

/** GET and DELETE /account. */
export async function account(context: JobContext, request: Request): Promise<Response> {
  return request.method === "GET" ? json(await readAccount(context, context.userId)) : await deleteAccount(context);
}

/**
 * DELETE /account: cancels and refunds active jobs, deletes rows, files and the user, and makes the ledger anonymous. A
 * client may repeat it until it succeeds.
 */
async function deleteAccount(context: JobContext): Promise<Response> {
  const videos = await deleteVideos(context);
  await leaveProjects(context, context.userId);
  await erase(context);
  context.log("info", "account_deleted", { videos });
  keepAlive(cancelAbandonedRuns(context));
  await deleteFiles(context);
  return json({ deleted: true });
}

/** Deletes the user. Where that fails the account goes on, and its owner is not shut out of their own projects. */
async function erase(context: JobContext): Promise<void> {
  try {
    await eraseAccount(context, context.userId);
  } catch (error) {
    await rejoinProjects(context, context.userId).catch((failure: unknown) =>
      context.log("error", "owner_without_projects", { error: errorText(failure) })
    );
    throw error;
  }
}

/** Deletes finished videos first, so that the deletion of the user, which ends the active ones, is quick. */
async function deleteVideos(context: JobContext): Promise<number> {
  const until = performance.now() + BATCHES_FOR_MS;
  let deleted = 0;
  for (let batch = VIDEOS_A_BATCH; batch === VIDEOS_A_BATCH && performance.now() < until; deleted += batch) {
    batch = await deleteFinishedVideos(context, context.userId, VIDEOS_A_BATCH);
  }
  return deleted;
}

async function deleteFiles(context: JobContext): Promise<void> {
  const until = performance.now() + BATCHES_FOR_MS;
  try {
    let last: StoredFile | undefined;
    do {
      const files = await listFilesOfUser(context, context.userId, FILES_A_BATCH, last);
      await deleteQueuedFiles(context, files);
      last = files.at(-1);
    } while (last !== undefined && performance.now() < until);
  } catch (error) {
    // The account is deleted; the purge deletes the files that are still in the queue.
    context.log("warn", "files_left_for_the_purge", { error: errorText(error) });
  }
}
