import { z } from "zod";
import { Changing } from "./changing.ts";
import type { Moment } from "./moment.ts";
import type { User } from "./user.ts";

export type Role = "owner" | "editor" | "viewer";

/** A job that the database made for a node; the greatest id is the newest. */
export interface NodeJob {
  jobId: string;
  id: number;
  userId: string;
}

export interface Node {
  id: string;
  project: Project;
  exists: Changing<boolean>;
  jobs: NodeJob[];
  /** How many edits of its data have been saved. */
  edits: number;
  /** The address of a video that somebody found in the node; its video may have been deleted since. */
  address: string | null;
}

export interface Project {
  id: string;
  owner: User;
  /** Everyone who is or was a member, with their role; null: none any more. */
  roles: Map<User, Changing<Role | null>>;
  /** A viewer whose role is never changed. */
  fixed: User;
  /** Users who used the id of a node as a free name. They never become members: their jobs are no jobs of the node. */
  strangers: Set<User>;
  nodes: Node[];
}

const createdSchema = z.object({
  outcome: z.literal("created"),
  response: z.object({ job_id: z.string() }),
  video: z.object({ id: z.number() }),
});
const askedSchema = z.object({
  p_user_id: z.string(),
  p_request: z.object({ node_id: z.string() }),
});

/** The projects of the canvas as their members left them, and the jobs that the database made for their nodes. */
export class Canvas {
  readonly projects: Project[] = [];
  readonly nodes = new Map<string, Node>();
  /** The user of each job made under the id of a node, known before its client has the answer. */
  readonly userOfJob = new Map<string, string>();

  addProject(id: string, owner: User, fixed: User, nodes: readonly string[]): Project {
    const roles = new Map([[owner, new Changing<Role | null>("owner")]]);
    const project: Project = { id, owner, roles, fixed, strangers: new Set(), nodes: [] };
    for (const node of nodes) {
      const added = { id: node, project, exists: new Changing(true), jobs: [], edits: 0, address: null };
      project.nodes.push(added);
      this.nodes.set(node, added);
    }
    this.projects.push(project);
    return project;
  }

  /** Notes the jobs that the database makes for nodes, also where the answer is lost on its way to the client. */
  observe(procedure: string, request: string, answer: string): void {
    if (procedure !== "start_generation") return;
    const asked = askedSchema.safeParse(JSON.parse(request)).data;
    const node = asked && this.nodes.get(asked.p_request.node_id);
    const made = createdSchema.safeParse(JSON.parse(answer)).data;
    if (asked === undefined || node === undefined || made === undefined) return;
    this.userOfJob.set(made.response.job_id, asked.p_user_id);
    if (![...node.project.roles.keys()].some(({ id }) => id === asked.p_user_id)) return;
    node.jobs.push({ jobId: made.response.job_id, id: made.video.id, userId: asked.p_user_id });
  }
}

export function newestOf(jobs: readonly NodeJob[]): NodeJob | undefined {
  return jobs.reduce<NodeJob | undefined>(
    (newest, job) => newest !== undefined && newest.id > job.id ? newest : job,
    undefined,
  );
}

/** Whether the node was there during a request; null: perhaps. */
export function existed({ exists, project }: Node, { started }: Moment): boolean | null {
  if (project.owner.goneSince < started) return false;
  const is = exists.certainSince(started);
  return is === true && project.owner.leaving ? null : is ?? null;
}

/** The role that a user had in the project during a request; undefined: not certain. Null: none. */
export function roleIn(project: Project, user: User, { started }: Moment): Role | null | undefined {
  const role = project.roles.get(user);
  if (role === undefined) return null;
  return user.leaving ? undefined : role.certainSince(started);
}

export const mayEdit = (role: Role | null | undefined): boolean => role === "owner" || role === "editor";
