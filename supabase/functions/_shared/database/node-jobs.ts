/** Reading the job of a node of the canvas. */

import { z } from "zod";
import { callProcedure, type DatabaseContext } from "./client.ts";
import { jobAndLeaseSchema } from "./jobs.ts";
import { LEASE_SECONDS } from "./records.ts";

const nodeJobSchema = jobAndLeaseSchema.extend({
  /** The link that the job's node got; null for a job that is not the newest of a node. */
  video_url: z.string().nullable(),
});

/** As `readJob`, also for members of the project of the job's node. Throws `DatabaseError`. */
export async function readNodeJob(
  context: DatabaseContext,
  userId: string,
  which: { jobId: string } | { nodeId: string },
): Promise<z.infer<typeof nodeJobSchema> | null> {
  return await callProcedure(context, nodeJobSchema.nullable(), "read_node_job", {
    p_user_id: userId,
    p_lease_seconds: LEASE_SECONDS,
    ...("jobId" in which ? { p_job_id: which.jobId } : { p_node_id: which.nodeId }),
  });
}
