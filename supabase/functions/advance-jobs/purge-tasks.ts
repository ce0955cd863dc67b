import {
  deleteExpiredKeys,
  deleteExpiredUploads,
  deleteExpiredVideos,
  deleteOldAlerts,
  deleteOldTombstones,
} from "../_shared/database/maintenance.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { auditNewEntries, auditUsers } from "./audit.ts";
import type { PurgeTask } from "./purge.ts";
import { purgeFiles } from "./purge-files.ts";

/** Calls of one task: each costs a few milliseconds of the 2 s of CPU that the platform gives a request. */
const MAX_BATCHES = 40;
/** Rows of one call: it stays far below the 8 s that hosted Postgres gives a statement. */
const ROWS = 1000;
/** A video is locked, leaves a tombstone and is deleted with all that belongs to it: a few milliseconds. */
const VIDEOS = 100;

/** All tasks of the purge, the most important first. */
export const PURGE_TASKS: readonly PurgeTask[] = [
  { name: "audit_problems", run: auditNewEntries },
  { name: "full_audit_problems", run: auditUsers },
  { name: "idempotency_keys", run: inBatches(ROWS, deleteExpiredKeys) },
  { name: "alerts", run: inBatches(ROWS, deleteOldAlerts) },
  { name: "tombstones", run: inBatches(ROWS, deleteOldTombstones) },
  // Rows first: their deletion enqueues their files.
  { name: "videos", run: inBatches(VIDEOS, deleteExpiredVideos) },
  { name: "uploads", run: inBatches(ROWS, deleteExpiredUploads) },
  { name: "files", run: purgeFiles },
];

/** A task that deletes batch after batch, until a batch is not full or the time is over. */
function inBatches(
  batch: number,
  deleteSome: (context: JobContext, limit: number) => Promise<number>,
): PurgeTask["run"] {
  return async (context, until) => {
    let count = 0;
    for (let batches = 0; batches < MAX_BATCHES && performance.now() < until; batches++) {
      const deleted = await deleteSome(context, batch);
      count += deleted;
      if (deleted < batch) return { count, more: false };
    }
    return { count, more: true };
  };
}
