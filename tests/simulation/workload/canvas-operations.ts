import { existed, mayEdit, newestOf, type Node, type NodeJob, roleIn } from "../model/canvas.ts";
import { KLING } from "../model/catalogue.ts";
import { checkGeneration, type Key } from "../model/idempotency-key.ts";
import type { Moment } from "../model/moment.ts";
import { refusalOf, type RequestVariant } from "../model/request.ts";
import { checkLeaving, TROUBLE, type User } from "../model/user.ts";
import type { Random } from "../runtime/random.ts";
import { Violation } from "../runtime/violation.ts";
import { randomPromptWords } from "../faults/prompt-words.ts";
import { jobsUnderWay } from "../world/jobs-under-way.ts";
import { asUser } from "../world/rest.ts";
import type { Answer } from "../world/endpoints.ts";
import type { World } from "../world/world.ts";
import type { Journal, Operation } from "./journal.ts";
import type { KeyedAnswer, VideoOperations } from "./video-operations.ts";

/** A request for a video of a node. */
export interface NodeRequest {
  user: User;
  node: Node;
  /** The canvas needs a node; for `generate-video` the id of a stranger's node is a free name. */
  route: "canvas" | "generate-video";
  key: Key;
}

const INVALID: Record<string, unknown>[] = [{ duration: 99 }, { model: "veo" }, {
  image_url: "http://127.0.0.1/1.jpg",
}];

/** What clients of the canvas do with the videos of nodes. */
export class CanvasOperations {
  constructor(
    private readonly world: World,
    private readonly operations: VideoOperations,
    private readonly random: Random,
    private readonly journal: Journal,
  ) {}

  newRequest(node: Node, user: User): NodeRequest {
    const { project } = node;
    // Of other members, whose roles change, a request could be for the node or for a free name.
    const isStranger = !project.roles.has(user);
    const mayName = isStranger || user === project.owner ||
      (user === project.fixed && project.roles.get(user)?.last === "viewer");
    const route = mayName && this.random.chance(0.3) ? "generate-video" : "canvas";
    if (isStranger) project.strangers.add(user);
    const key = this.operations.nextKey(user, route === "canvas" ? 0.6 : 0);
    const request = { user, node, route, key } as const;
    this.addVariant(request);
    return request;
  }

  addVariant({ key, node, route, user }: NodeRequest): void {
    const prompt = `Waves, take ${key.name}-v${key.variants.length} ${randomPromptWords(this.random)}`;
    const duration = this.random.pick([3, 3, 5]);
    const isImage = route === "canvas" && this.random.chance(0.3);
    const body = route === "canvas"
      ? {
        node_id: node.id,
        prompt,
        ...(isImage ? { image_url: "https://example.com/cat.jpg", duration: 2 } : { duration }),
      }
      : { node_id: node.id, prompt, model_id: KLING, settings: { duration } };
    const isInvalid = route === "canvas" && this.random.chance(0.07);
    key.variants.push({
      body: isInvalid ? { ...body, ...this.random.pick(INVALID) } : body,
      refusal: isInvalid ? refusalOf("validation_failed") : null,
      expected: { kind: "generation", price: isImage ? 2 : duration, extras: [], spare: [], subtitles: false },
      uploads: [],
      mayLackNode: (moment) =>
        route === "canvas" ? rightOf(node, user, moment) !== true : isOnlyViewer(node, user, moment) !== false,
    });
  }

  generate({ user, node, route, key }: NodeRequest, variant: RequestVariant): Operation {
    const path = route === "canvas" ? "/api/ai/generate-video" : "";
    return this.operations.send(user, key, variant, [route, path], async (answer, done) => {
      const { replayed } = answer;
      if (answer.status === 200) this.operations.countRepeat(key, replayed, done);
      if (key.text === null && replayed) this.world.counts.add("repeats", "of a node, without a key: replayed");
      if (answer.status === 200 && !replayed && await jobsUnderWay(this.world, node.jobs) > 1) {
        this.world.counts.add("canvas", "two jobs of a node at once");
      }
      this.#checkRight({ user, node, route, key }, variant, answer, done);
      this.operations.noteJob(user, checkGeneration(key, variant, answer, done), variant, done);
    });
  }

  /** The newest job of a node, as every member sees it. */
  readLatest(node: Node, user: User): Operation {
    return this.journal.operation(`latest u${user.index} ${node.id}`, async (moment) => {
      const before = newestOf(node.jobs);
      const known = node.jobs.length;
      const answer = await this.world.endpoints.call("canvas", {
        method: "GET",
        path: `/api/ai/nodes/${node.id}/jobs/latest`,
        userId: user.id,
      });
      const done = moment();
      if (checkLeaving(user, true, answer.code, done) || (answer.status >= 500 && done.disturbed)) return;
      await this.#answeredByNow();
      const newest = [...(before === undefined ? [] : [before]), ...node.jobs.slice(known)];
      // The first job of a node may be made while the answer is on its way.
      const mayBeNone = before === undefined || newest.some((job) => this.#mayBeGone(job, done));
      if (answer.status === 404 && mayBeNone) return;
      if (answer.status === 404) return this.#checkMissing(node, user, newest, done);
      if (answer.status !== 200) throw new Violation(`The newest job of ${node.id} was answered ${answer.status}`);
      this.#checkLatest(node, user, { newest, mayBeNone }, answer, done);
    });
  }

  /** The owner of a job reads it as the canvas does, by its id or by the free name of its node. */
  read(user: User, jobId: string, freeName: string | null): Operation {
    const path = freeName === null ? `jobs/${jobId}` : `nodes/${freeName}/jobs/latest`;
    return this.journal.operation(`canvas read u${user.index} ${jobId}`, async (moment) => {
      const answer = await this.world.endpoints.call("canvas", {
        method: "GET",
        path: `/api/ai/${path}`,
        userId: user.id,
      });
      const done = moment();
      const history = this.operations.find(jobId)?.history;
      if (history === undefined || checkLeaving(user, true, answer.code, done)) return;
      if (answer.status >= 500 && done.disturbed) return;
      if (answer.status === 404 && history.mayBeGone(done.finishedAt)) return;
      if (answer.status !== 200 || (freeName === null && history.goneSince < done.started)) {
        throw new Violation(`The canvas answered ${answer.status} for ${jobId}`);
      }
      if (answer.body.job_id === jobId) history.checkNodeJob(answer.body, done);
      this.world.counts.add("canvas", freeName === null ? "own job read" : "free name read");
    });
  }

  /** Anyone opens the address that a member finds in a node, or found there before its video was deleted. */
  openAddress(node: Node, user: User): Operation {
    return this.journal.operation(`address u${user.index} ${node.id}`, async (moment) => {
      const [row] = await asUser(
        this.world,
        user.id,
        async (sql) => await sql`select status, data ->> 'video_url' as url from nodes where id = ${node.id}`,
      );
      if (typeof row?.url === "string") node.address = row.url;
      if (node.address === null) return;
      const jobs = [...node.jobs];
      const answer = await this.world.endpoints.call("share", {
        method: "GET",
        path: node.address.replace(/.*\/share/, ""),
      });
      const done = moment();
      if (answer.status >= 500 && done.disturbed) return;
      this.world.counts.add("canvas", `address ${answer.status}`);
      const mayBeOver = existed(node, done) !== true || jobs.some((job) => this.#mayBeGone(job, done));
      if (answer.status !== 302 && !(answer.status === 404 && mayBeOver)) {
        throw new Violation(`The address in the node ${node.id} answered ${answer.status}`);
      }
    });
  }

  /** The owner of a job deletes it; undefined for a job whose answer was lost. */
  deleteJob(jobId: string): Operation | undefined {
    const job = this.operations.find(jobId);
    return job === undefined ? undefined : this.operations.delete(job.user, job.history, undefined);
  }

  /** Only who may edit the node gets a new job for it; to others it is as if it were not there. */
  #checkRight({ user, node, route }: NodeRequest, variant: RequestVariant, answer: KeyedAnswer, done: Moment): void {
    const right = route === "canvas"
      ? rightOf(node, user, done)
      : isOnlyViewer(node, user, done) === true
      ? false
      : null;
    const isNew = answer.status === 200 && !answer.replayed;
    const role = roleIn(node.project, user, done);
    if (isNew && right === true) this.world.counts.add("canvas", `video for ${role}`);
    if (isNew && role === null) this.world.counts.add("canvas", `free name of a node (${route})`);
    if (answer.code === "node_not_found") this.world.counts.add("canvas", `no video for ${role ?? "a stranger"}`);
    if (right !== false || (answer.status === 200 && !isNew)) return;
    const allowed = [
      "node_not_found",
      "idempotency_key_reused",
      variant.refusal?.code,
      ...(done.disturbed ? TROUBLE : []),
    ];
    // A replay of the failure of a job that was made while the user might edit the node.
    if (!allowed.includes(answer.code) && answer.code !== "provider_failed") {
      throw new Violation(
        `u${user.index}, ${role}, asked for a video of ${node.id} and got ${answer.code || answer.status}`,
      );
    }
  }

  /** Until the answers of all calls so far: a job can be read by one connection before another has told that it was made. */
  async #answeredByNow(): Promise<void> {
    await this.world.sequencer.inTurn(() => Promise.resolve());
  }

  #checkMissing(node: Node, user: User, newest: readonly NodeJob[], done: Moment): void {
    const role = roleIn(node.project, user, done);
    if (role === undefined || role === null || existed(node, done) !== true) return;
    throw new Violation(`u${user.index}, ${role}, was not shown ${newest.at(-1)?.jobId} of ${node.id}`);
  }

  #checkLatest(
    node: Node,
    user: User,
    { newest, mayBeNone }: { newest: readonly NodeJob[]; mayBeNone: boolean },
    { body }: Answer,
    done: Moment,
  ): void {
    const jobId = String(body.job_id);
    const [role, owner] = [roleIn(node.project, user, done), this.operations.find(jobId)];
    const isOwn = this.world.canvas.userOfJob.get(jobId) === user.id;
    const isNewest = newest.some((job) => job.jobId === jobId);
    const isMember = role !== null && existed(node, done) !== false;
    if (!isOwn && !(isNewest && isMember)) throw new Violation(`u${user.index} was shown ${jobId} of ${node.id}`);
    // A member who has a job of the same name from elsewhere is shown the node's own.
    if (!isNewest && role && existed(node, done) === true && !mayBeNone) {
      throw new Violation(`${node.id} showed ${jobId} instead of ${newest.at(-1)?.jobId}`);
    }
    owner?.history.checkNodeJob(body, done);
    if (isNewest) this.world.counts.add("canvas", `newest job shown to ${isOwn ? "its user" : role ?? "a stranger"}`);
  }

  /** Whether a job may be deleted, or its links revoked. Nobody but its owner knows a job whose answer was lost. */
  #mayBeGone({ jobId }: NodeJob, { finishedAt }: Moment): boolean {
    const known = this.operations.find(jobId);
    return known === undefined || known.user.leaving || known.history.revocationAsked ||
      known.history.mayBeGone(finishedAt);
  }
}

/** Whether the user may edit the node; null: perhaps. */
function rightOf(node: Node, user: User, moment: Moment): boolean | null {
  const [role, is] = [roleIn(node.project, user, moment), existed(node, moment)];
  if (is === false || (role !== undefined && !mayEdit(role))) return false;
  return role === undefined || is === null ? null : true;
}

/** Whether the user sees the node and may not edit it; null: perhaps. */
function isOnlyViewer(node: Node, user: User, moment: Moment): boolean | null {
  const [role, is] = [roleIn(node.project, user, moment), existed(node, moment)];
  if (is === false || (role !== undefined && role !== "viewer")) return false;
  return role === undefined || is === null ? null : true;
}
