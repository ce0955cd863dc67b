import { z } from "zod";
import { callProcedure } from "../_shared/database/client.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { auditRecent, auditUsers } from "./audit.ts";
import type { PurgeTask } from "./purge.ts";
import { deleteLeftFiles } from "./purge-files.ts";

/** Calls of one task: each costs a few milliseconds of the 2 s of CPU that the platform gives a request. */
const MOST_BATCHES = 40;
/** Rows of one call: it stays far below the 8 s that hosted Postgres gives a statement. */
const ROWS = 1000;
/** A video is locked, told to its owner and deleted with all that belongs to it: a few milliseconds. */
const VIDEOS = 100;

const expiredSchema = z.object({ idempotency_keys: z.number() });

/** All of the cleaning, the most important first. */
export const PURGE_TASKS: readonly PurgeTask[] = [
  { name: "audit_problems", run: auditRecent },
  { name: "full_audit_problems", run: auditUsers },
  { name: "idempotency_keys", run: inBatches(ROWS, deleteExpiredKeys) },
  { name: "alerts", run: inBatches(ROWS, (context, limit) => deleteRows(context, "purge_alerts", limit)) },
  { name: "tombstones", run: inBatches(ROWS, (context, limit) => deleteRows(context, "purge_tombstones", limit)) },
  // Rows first, each leaving word of its files.
  { name: "videos", run: inBatches(VIDEOS, (context, limit) => deleteRows(context, "delete_expired_videos", limit)) },
  { name: "uploads", run: inBatches(ROWS, (context, limit) => deleteRows(context, "delete_expired_uploads", limit)) },
  { name: "files", run: deleteLeftFiles },
];

/** A task that repeats what deletes up to a batch of rows, until it finds fewer or there is no time left. */
function inBatches(
  batch: number,
  deleteSome: (context: JobContext, limit: number) => Promise<number>,
): PurgeTask["run"] {
  return async (context, until) => {
    let count = 0;
    for (let batches = 0; batches < MOST_BATCHES && performance.now() < until; batches++) {
      const deleted = await deleteSome(context, batch);
      count += deleted;
      if (deleted < batch) return { count, more: false };
    }
    return { count, more: true };
  };
}

async function deleteExpiredKeys(context: JobContext, limit: number): Promise<number> {
  const purged = await callProcedure(context.client, context.timing, "purge_expired", { p_limit: limit });
  return expiredSchema.parse(purged).idempotency_keys;
}

/** Calls a procedure that deletes up to `p_limit` rows and answers how many there were. */
async function deleteRows(
  context: JobContext,
  name: "delete_expired_videos" | "delete_expired_uploads" | "purge_tombstones" | "purge_alerts",
  limit: number,
): Promise<number> {
  return z.number().parse(await callProcedure(context.client, context.timing, name, { p_limit: limit }));
}
