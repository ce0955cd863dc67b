import { z } from "zod";
import { newestOf, type Node } from "../model/canvas.ts";
import { Violation } from "../runtime/violation.ts";
import type { World } from "../world/world.ts";

const rowsSchema = z.array(z.object({
  id: z.string(),
  status: z.string(),
  error_message: z.string().nullable(),
  video_url: z.string().nullable(),
  edits: z.string(),
  /** The job whose video the address opens. */
  opens: z.string().nullable(),
  job: z.object({ status: z.string(), error_message: z.string().nullable() }).nullable(),
}));
type Row = z.infer<typeof rowsSchema>[number];

/**
 * Each node shows its newest job: it was written in the transaction that made, ended or deleted the job. Call it when no
 * operation is under way. `isRevoked`: whether the owner of a job asked for the revocation of its links.
 */
export async function checkNodes(world: World, isRevoked: (jobId: string) => boolean): Promise<void> {
  const nodes = [...world.canvas.nodes.values()].filter(({ project }) => !project.owner.leaving);
  const newest = nodes.map(({ jobs }) => newestOf(jobs)?.jobId ?? null);
  const rows = await world.sql`
    select nodes.id, nodes.status, nodes.error_message, data ->> 'video_url' as video_url, data ->> 'edits' as edits,
      shares.job_id as opens,
      case when jobs.job_id is not null
        then jsonb_build_object('status', jobs.status, 'error_message', jobs.error_message) end as job
    from unnest(${nodes.map(({ id }) => id)}::uuid[], ${newest}::uuid[]) as known (node_id, job_id)
      join nodes on nodes.id = known.node_id
      left join video_jobs as jobs on jobs.job_id = known.job_id
      left join private.video_shares as shares
        on shares.token_hash = sha256(convert_to(substring(data ->> 'video_url' from '[^/]*$'), 'UTF8'))
  `;
  const found = new Map(rowsSchema.parse([...rows]).map((row) => [row.id, row]));
  for (const node of nodes) {
    const row = found.get(node.id);
    if (node.exists.isSettled && node.exists.last !== (row !== undefined)) {
      throw new Violation(`The node ${node.id} is ${row === undefined ? "gone" : "still there"}`);
    }
    if (row !== undefined) checkNode(world, node, row, isRevoked);
  }
}

function checkNode({ counts }: World, node: Node, row: Row, isRevoked: (jobId: string) => boolean): void {
  const newest = newestOf(node.jobs);
  const problem = newest === undefined ? emptyProblem(row) : problemOf(row) ?? addressProblem(node, row, isRevoked);
  if (problem !== null) {
    throw new Violation(`The node ${node.id} of ${newest?.jobId} ${problem}: ${JSON.stringify(row)}`);
  }
  if (Number(row.edits) !== node.edits) throw new Violation(`The node ${node.id} lost an edit: ${JSON.stringify(row)}`);
  if (newest !== undefined) counts.add("canvas", `node ${row.status}`);
}

function emptyProblem({ status, video_url }: Row): string | null {
  return status === "idle" && video_url === null ? null : "has had no job";
}

function problemOf({ status, error_message, job, video_url }: Row): string | null {
  const expected = job === null ? "idle" : job.status === "pending" ? "processing" : job.status;
  if (status !== expected) return `must be ${expected}`;
  if (error_message !== (job?.status === "failed" ? job.error_message : null)) return "has a wrong error";
  return status === "completed" && video_url === null ? "lacks its video" : null;
}

/** The address is that of the newest video, or of one before it that is still there. */
function addressProblem(
  node: Node,
  { status, video_url, opens }: Row,
  isRevoked: (jobId: string) => boolean,
): string | null {
  if (video_url === null) return null;
  if (opens === null) {
    return node.jobs.some(({ jobId }) => isRevoked(jobId)) ? null : "has an address that opens nothing";
  }
  if (status === "completed" && opens !== newestOf(node.jobs)?.jobId) return "has the address of another video";
  return node.jobs.some(({ jobId }) => jobId === opens) ? null : "has the address of a video of another node";
}
