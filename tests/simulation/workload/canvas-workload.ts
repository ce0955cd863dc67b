import { type Canvas, mayEdit, newestOf, type Node, type Project } from "../model/canvas.ts";
import type { User } from "../model/user.ts";
import type { Random } from "../runtime/random.ts";
import type { CanvasOperations } from "./canvas-operations.ts";
import type { GraphOperations } from "./graph-operations.ts";
import type { Operation, Turn } from "./journal.ts";
import type { KeyedRequests } from "./keyed-requests.ts";
import type { OwnJob } from "./video-operations.ts";

/** Draws what happens on the canvas. */
export class CanvasWorkload {
  constructor(
    private readonly canvas: Canvas,
    private readonly graphs: GraphOperations,
    private readonly videos: CanvasOperations,
    private readonly keyed: KeyedRequests,
    private readonly random: Random,
  ) {}

  /** Anything on the canvas; `user` makes a project where there is none yet. */
  any(user: User): Operation {
    const project = this.#project();
    if (project === undefined || this.random.chance(0.25)) return this.graphs.any(user, project);
    return this.#about(this.random.pick(project.nodes), project);
  }

  /** Several things that happen to one node at the same time; undefined where there is no node. */
  several(count: number): Operation[] | undefined {
    const project = this.#project();
    if (project === undefined) return undefined;
    const node = this.random.pick(project.nodes);
    return Array.from(
      { length: count },
      () => this.random.chance(0.3) ? this.graphs.any(project.owner, project) : this.#about(node, project),
    );
  }

  /** Somebody asks for a video of a node. While it is made, the same comes again, or member, node or project are gone. */
  whileJobRuns(): Turn[] | undefined {
    const project = this.#project();
    if (project === undefined) return undefined;
    const { roles, owner } = project;
    const node = this.random.pick(project.nodes);
    const member = this.random.maybe([...roles.keys()].filter((one) => one !== owner && mayEdit(roles.get(one)?.last)));
    const user = member !== undefined && this.random.chance(0.7) ? member : owner;
    const asking = { next: () => this.keyed.video(node, user) };
    switch (this.random.weighted({ again: 3, member: 3, node: 1, project: 1 })) {
      case "again":
        return [asking, { next: () => this.keyed.repeats.at(-1)?.() ?? this.keyed.video(node, user) }];
      case "member":
        return [asking, { next: () => this.graphs.endMembership(project, user) }];
      case "node":
        return [asking, { next: () => this.graphs.deleteNode(node, user) }];
      case "project":
        return [asking, { next: () => this.graphs.deleteProject(project, owner) }];
    }
  }

  /** The address of a video is opened before and after the video is deleted. */
  addressOfDeleted(): Turn[] | undefined {
    const node = this.random.maybe([...this.canvas.nodes.values()].filter(({ address }) => address !== null));
    const newest = node === undefined ? undefined : newestOf(node.jobs);
    if (node === undefined || newest === undefined) return undefined;
    const open = { next: () => this.videos.openAddress(node, node.project.owner) };
    return [open, { next: () => this.videos.deleteJob(newest.jobId) ?? open.next() }, open];
  }

  /** The owner of a job reads it with the client of the canvas. */
  read({ user, history: { jobId, nodeId } }: OwnJob): Operation {
    const isFree = nodeId !== null && !this.canvas.nodes.has(nodeId);
    return this.videos.read(user, jobId, isFree && this.random.chance(0.7) ? nodeId : null);
  }

  #project(): Project | undefined {
    const { projects } = this.canvas;
    return this.random.chance(0.9) ? this.random.recent(projects, 25) : this.random.maybe(projects);
  }

  #about(node: Node, project: Project): Operation {
    const user = this.graphs.anyoneOf(project);
    switch (this.random.weighted({ video: 5, latest: 4, look: 1, address: 2 })) {
      case "video":
        return this.keyed.video(node, user);
      case "latest":
        return this.videos.readLatest(node, user);
      case "look":
        return this.graphs.look(project, user);
      case "address":
        return this.videos.openAddress(node, this.random.chance(0.5) ? project.owner : user);
    }
  }
}
