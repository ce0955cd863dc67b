import { type Canvas, mayEdit, type Node, type Project } from "../model/canvas.ts";
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

  /** A member asks for a video, and is a member no more while it is made; undefined where nobody but the owner may ask. */
  removal(): Turn[] | undefined {
    const project = this.#project();
    if (project === undefined) return undefined;
    const { roles, owner } = project;
    const user = this.random.maybe([...roles.keys()].filter((one) => one !== owner && mayEdit(roles.get(one)?.last)));
    if (user === undefined) return undefined;
    const node = this.random.pick(project.nodes);
    return [{ next: () => this.keyed.video(node, user) }, { next: () => this.graphs.endMembership(project, user) }];
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
