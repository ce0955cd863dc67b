/**
 * The leases of the worker and of webhooks. Each function calls the procedure of its name and throws `DatabaseError`.
 */

import { z } from "zod";
import { attemptOf } from "./attempts.ts";
import { callProcedure, type DatabaseContext } from "./client.ts";
import { LEASE_SECONDS, type LeasedJob, leasedJobSchema, readableJobs } from "./records.ts";
import type { Log } from "../runtime/log.ts";

const dueJobSchema = leasedJobSchema.extend({ due_at: z.string() });

/**
 * Leases due jobs: so many at most that are to be looked at or submitted, and so many whose video is to be copied. With the
 * `due_at` of jobs leased before, only those are looked at that were due then.
 */
export async function leaseDueJobs(
  context: DatabaseContext & { log: Log },
  most: { jobs: number; copies: number },
  dueAt?: string,
): Promise<z.infer<typeof dueJobSchema>[]> {
  const rows = await callProcedure(context, z.array(z.unknown()), "lease_due_jobs", {
    p_limit: most.jobs,
    p_lease_seconds: LEASE_SECONDS,
    p_copies: most.copies,
    ...(dueAt === undefined ? {} : { p_due_at: dueAt }),
  });
  return readableJobs(context.log, dueJobSchema, rows);
}

const wakeSchema = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("finished"), same_run: z.boolean() }),
  z.object({ outcome: z.enum(["late_run", "thumbnail"]), leased_job: leasedJobSchema }),
  z.object({ outcome: z.literal("woken"), leased_job: leasedJobSchema.nullable() }),
]);
export type WakeOutcome = z.infer<typeof wakeSchema>;

/** Makes the job of a run due, after a verified webhook; null for an unknown job. */
export async function wakeJob(
  context: DatabaseContext,
  jobId: string,
  attempt: number,
  providerJobId: string,
): Promise<WakeOutcome | null> {
  return await callProcedure(context, wakeSchema.nullable(), "wake_job", {
    p_job_id: jobId,
    p_attempt: attempt,
    p_provider_job_id: providerJobId,
    p_lease_seconds: LEASE_SECONDS,
  });
}

const wokenRunSchema = z.object({ job_id: z.string(), attempt: z.number() }).and(wakeSchema).nullable();

/** Makes the job of a run due, after a verified webhook that names no job; null for the run of no job. */
export async function wakeRun(
  context: DatabaseContext,
  provider: string,
  providerJobId: string,
): Promise<z.infer<typeof wokenRunSchema>> {
  return await callProcedure(context, wokenRunSchema, "wake_run", {
    p_provider: provider,
    p_provider_job_id: providerJobId,
    p_lease_seconds: LEASE_SECONDS,
  });
}

const adoptedSchema = z.object({ leased_job: leasedJobSchema, abandoned_provider_job_id: z.string().nullable() })
  .nullable();

/** Makes a late run that has succeeded the job's current run; null when the job waits for none. */
export async function adoptRun(
  context: DatabaseContext,
  leased: LeasedJob,
  providerJobId: string,
): Promise<z.infer<typeof adoptedSchema>> {
  return await callProcedure(context, adoptedSchema, "adopt_run", {
    ...attemptOf(leased),
    p_provider_job_id: providerJobId,
    p_lease_seconds: LEASE_SECONDS,
  });
}
