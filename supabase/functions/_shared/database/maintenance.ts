/** The purge, the audit and the health of the database. Each function throws `DatabaseError`. */

import { z } from "zod";
import { callProcedure, type DatabaseContext, LONG_CALL_LIMIT_MS } from "./client.ts";

/** Deletes up to `limit` idempotency keys that have expired; returns how many there were. */
export async function deleteExpiredKeys(context: DatabaseContext, limit: number): Promise<number> {
  const purged = z.object({ idempotency_keys: z.number() });
  return (await callProcedure(context, purged, "purge_expired", { p_limit: limit })).idempotency_keys;
}

export const deleteOldAlerts = rowDeletion("purge_alerts");
export const deleteOldTombstones = rowDeletion("purge_tombstones");
export const deleteExpiredVideos = rowDeletion("delete_expired_videos");
export const deleteExpiredUploads = rowDeletion("delete_expired_uploads");

/** A function that deletes up to `limit` rows and returns how many there were. */
function rowDeletion(
  procedure: "purge_alerts" | "purge_tombstones" | "delete_expired_videos" | "delete_expired_uploads",
): (context: DatabaseContext, limit: number) => Promise<number> {
  return (context, limit) => callProcedure(context, z.number(), procedure, { p_limit: limit });
}

const problemsSchema = z.array(
  z.object({
    problem: z.string(),
    user_id: z.string().nullable(),
    job_id: z.string().nullable(),
    detail: z.string().nullable(),
  }),
);
/** A contradiction in the books. */
export type AuditProblem = z.infer<typeof problemsSchema>[number];

const recentSchema = z.object({ problems: problemsSchema, next: z.number().nullable() });
export type RecentAudit = z.infer<typeof recentSchema>;

/** Audits up to `limit` new ledger entries; `next` is where to continue, null when there are no more. */
export async function auditRecent(
  context: DatabaseContext,
  limit: number,
  afterId: number | null,
): Promise<RecentAudit> {
  return await callProcedure(context, recentSchema, "audit_recent", {
    p_limit: limit,
    ...(afterId === null ? {} : { p_after_id: afterId }),
  });
}

const usersSchema = z.object({ problems: problemsSchema, more: z.boolean() });

/** Audits everything of the next `limit` users; `more` is false at the end of a round. */
export async function auditNextUsers(context: DatabaseContext, limit: number): Promise<z.infer<typeof usersSchema>> {
  return await callProcedure(context, usersSchema, "audit_next_users", { p_limit: limit }, LONG_CALL_LIMIT_MS);
}

const healthSchema = z.object({
  open_circuits: z.array(z.string()),
  overdue_jobs: z.number(),
  step_providers: z.record(z.string(), z.string()),
});
export type DatabaseHealth = z.infer<typeof healthSchema>;

export async function readHealth(context: DatabaseContext): Promise<DatabaseHealth> {
  return await callProcedure(context, healthSchema, "health", {});
}
