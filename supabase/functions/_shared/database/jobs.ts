/** Reading a job. */

import { z } from "zod";
import { callProcedure, type DatabaseContext } from "./client.ts";
import { jobSchema, LEASE_SECONDS, leasedJobSchema } from "./records.ts";

export const jobAndLeaseSchema = z.object({ job: jobSchema, leased_job: leasedJobSchema.nullable() });
/** Made once: `nullable()` takes a tenth of the time that a poll takes in a function. */
const readJobSchema = jobAndLeaseSchema.nullable();
/** A user's job, and its lease where the job was due and this request got it. */
export type JobAndLease = z.infer<typeof jobAndLeaseSchema>;

/** A user's job by its id or by its node; leased to us if it was due. Throws `DatabaseError`. */
export async function readJob(
  context: DatabaseContext,
  userId: string,
  which: { jobId: string } | { nodeId: string },
): Promise<JobAndLease | null> {
  return await callProcedure(context, readJobSchema, "read_job", {
    p_user_id: userId,
    p_lease_seconds: LEASE_SECONDS,
    ...("jobId" in which ? { p_job_id: which.jobId } : { p_node_id: which.nodeId }),
  });
}
