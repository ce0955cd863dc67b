import { z } from "zod";
import { JobHistory } from "../model/job-history.ts";
import type { Journal, Operation } from "./journal.ts";
import { checkGeneration, type Key, keyHeader } from "../model/idempotency-key.ts";
import { checkLeaving, type User } from "../model/user.ts";
import type { Moment } from "../model/moment.ts";
import type { Random } from "../runtime/random.ts";
import { checkUnreadable } from "../checks/refunded-files.ts";
import { newVariant } from "./generation-requests.ts";
import type { RequestVariant } from "../model/request.ts";
import { Violation } from "../runtime/violation.ts";
import type { Answer, Endpoint } from "../world/endpoints.ts";
import type { World } from "../world/world.ts";

const deletedSchema = z.object({
  deleted: z.array(z.string()),
  not_found: z.array(z.string()),
  not_deleted: z.array(z.object({ job_id: z.string(), code: z.literal("cancel_limit_reached") })).default([]),
});

const deletedInOpenvSchema = z.object({
  deleted: z.array(z.string()),
  notFound: z.array(z.string()),
  notDeleted: z.array(z.object({ jobId: z.string(), code: z.literal("cancel_limit_reached") })).default([]),
}).transform(({ deleted, notFound, notDeleted }) => ({
  deleted,
  not_found: notFound,
  not_deleted: notDeleted.map(({ jobId, code }) => ({ job_id: jobId, code })),
}));

/** A job and its owner. */
export interface OwnJob {
  user: User;
  history: JobHistory;
}

/** Where a request is sent. */
export type Route = [endpoint: Endpoint, path: string];

/** An answer, and whether it is the one to an earlier request. */
export type KeyedAnswer = Answer & { replayed: boolean };
type Check = (answer: KeyedAnswer, done: Moment) => void | Promise<void>;

/** What clients do with videos. Each operation checks its answer. */
export class VideoOperations {
  readonly jobs: OwnJob[] = [];
  readonly #byId = new Map<string, OwnJob & { variant: RequestVariant }>();

  constructor(
    private readonly world: World,
    private readonly random: Random,
    private readonly journal: Journal,
  ) {}

  newKey(user: User): Key {
    const key = this.nextKey(user);
    key.variants.push(newVariant(this.random, { keyName: key.name, number: 0, uploads: user.uploads }));
    return key;
  }

  /** The user's next key, named k; or named r for a request that is sent without one: `keyless` is how often. */
  nextKey(user: User, keyless = 0): Key {
    const isSent = !this.random.chance(keyless);
    const key = this.namedKey(`u${user.index}-${isSent ? "k" : "r"}${user.keys++}`);
    return isSent ? key : { ...key, text: null };
  }

  namedKey(name: string): Key {
    const quoted = this.random.chance(0.1);
    const uuid = this.random.uuid();
    return {
      text: quoted ? `"${uuid}"` : uuid,
      name,
      variants: [],
      jobs: [],
      firstStarted: this.world.clock.now(),
      mayBeEnded: (jobId) => this.mayBeEnded(jobId),
      endedSince: (jobId) => this.#endedSince(jobId),
    };
  }

  /** Whether a job may have failed, or its owner asked for its end or deletion. */
  mayBeEnded(jobId: string): boolean {
    const { history } = this.#byId.get(jobId) ?? {};
    return this.world.failures.mayHaveFailed(jobId) ||
      history !== undefined && (history.endAsked || history.mayBeGone(this.world.clock.now()));
  }

  #endedSince(jobId: string): number {
    const history = this.find(jobId)?.history;
    return Math.min(history?.failedSince ?? Infinity, history?.goneSince ?? Infinity);
  }

  /** Counts an accepted request without a key, before its job is noted. */
  countRepeat(key: Key, replayed: boolean, { started }: Moment): void {
    if (key.text !== null) return;
    this.world.counts.add("repeats", `without a key: ${replayed ? "replayed" : "made"}`);
    const isAgain = !replayed && key.jobs.some(({ jobId }) => key.endedSince(jobId) < started);
    if (isAgain) this.world.counts.add("repeats", "without a key: made again after an end");
  }

  find(jobId: string): OwnJob | undefined {
    return this.#byId.get(jobId);
  }

  /** Notes the job that an answer named. */
  noteJob(user: User, jobId: string | null, variant: RequestVariant, { startedAt }: Moment): void {
    if (jobId === null) return;
    const known = this.#byId.get(jobId);
    if (known !== undefined && known.variant !== variant) {
      throw new Violation(`${jobId} is the job of two requests: ${JSON.stringify([known.variant.body, variant.body])}`);
    }
    if (known !== undefined) return;
    const { node_id } = variant.body;
    const history = new JobHistory(jobId, startedAt, typeof node_id === "string" ? node_id : null, variant.expected);
    history.deletionAsked = user.leaving;
    history.goneSince = user.goneSince;
    user.jobs.push(history);
    this.jobs.push({ user, history });
    this.#byId.set(jobId, { user, history, variant });
  }

  /** Sends a request with its key to an endpoint. `check` gets the answer, unless it says that the user has left. */
  send(user: User, key: Key, variant: RequestVariant, [endpoint, path]: Route, check: Check): Operation {
    const words = /\[.*/.exec(String(variant.body.prompt)) ?? "";
    const text = `${endpoint} ${key.name}-v${key.variants.indexOf(variant)} ${words}`;
    return this.journal.operation(text, async (moment) => {
      const answer = await this.world.endpoints.call(endpoint, {
        path,
        userId: user.id,
        headers: keyHeader(key),
        body: JSON.stringify(variant.body),
      });
      const done = moment();
      if (checkLeaving(user, variant.refusal === null, answer.code, done)) return;
      await check({ ...answer, replayed: answer.headers.has("x-idempotent-replay") }, done);
    });
  }

  generate(user: User, key: Key, variant: RequestVariant): Operation {
    return this.send(user, key, variant, ["generate-video", ""], (answer, done) => {
      this.noteJob(user, checkGeneration(key, variant, answer, done), variant, done);
    });
  }

  poll(user: User, history: JobHistory): Operation {
    const isTask = history.expected.kind === "transition" && this.random.chance(0.6);
    const byNode = !isTask && history.nodeId !== null && this.random.chance(0.5);
    const path = byNode ? `?node_id=${history.nodeId}` : `?job_id=${history.jobId}`;
    return this.journal.operation(`poll u${user.index} ${history.jobId}`, async (moment) => {
      const answer = isTask
        ? await this.world.endpoints.call("transitions", {
          method: "GET",
          path: `/task-status/${history.jobId}/`,
          userId: user.id,
        })
        : await this.world.endpoints.call("get-video-status", { method: "GET", path, userId: user.id });
      const done = moment();
      const { started, finishedAt, disturbed } = done;
      if (checkLeaving(user, true, answer.code, done)) return;
      if (answer.status >= 500 && disturbed) return;
      if (answer.status === 404 && history.mayBeGone(finishedAt)) return;
      if (answer.status === 200 && !byNode && history.goneSince < started) {
        throw new Violation(`${history.jobId} was deleted and is shown again`);
      }
      if (answer.status !== 200) throw new Violation(`The poll of ${history.jobId} was answered ${answer.status}`);
      if (isTask) return history.checkTask(answer.body, done);
      // The node may have a newer job: the same key makes another after a day.
      if (byNode && answer.body.job_id !== history.jobId) return;
      history.check(answer.body, done);
    });
  }

  /** Another user reads the job, or tries to cancel it. */
  trespass(user: User, { jobId }: JobHistory): Operation {
    const way = this.random.pick(["cancel", "status", "task"] as const);
    return this.journal.operation(`trespass u${user.index} ${jobId}`, async (moment) => {
      const answer = way === "cancel"
        ? await this.world.endpoints.call("videos", { path: `/${jobId}/cancel`, userId: user.id })
        : way === "task"
        ? await this.world.endpoints.call("transitions", {
          method: "GET",
          path: `/api/transitions/task-status/${jobId}/`,
          userId: user.id,
        })
        : await this.world.endpoints.call("get-video-status", {
          method: "GET",
          path: `?job_id=${jobId}`,
          userId: user.id,
        });
      const done = moment();
      if (checkLeaving(user, true, answer.code, done)) return;
      if (answer.status === 404 || done.disturbed) {
        if (answer.status === 200) throw new Violation(`${user.id} was shown ${jobId}`);
        return;
      }
      throw new Violation(`${user.id} asked for ${jobId} of another user and was answered ${answer.status}`);
    });
  }

  cancel(user: User, history: JobHistory): Operation {
    return this.journal.operation(`cancel u${user.index} ${history.jobId}`, async (moment) => {
      history.endAsked = true;
      const stage = await this.#stageOf(history);
      const answer = await this.world.endpoints.call("videos", { path: `/${history.jobId}/cancel`, userId: user.id });
      this.world.counts.add("cancellations", `${stage} ${answer.status}`);
      const done = moment();
      const { finishedAt, disturbed } = done;
      if (checkLeaving(user, true, answer.code, done)) return;
      if (answer.status === 409 || answer.code === "cancel_limit_reached" || (answer.status >= 500 && disturbed)) {
        return;
      }
      if (answer.status === 404 && history.mayBeGone(finishedAt)) return;
      if (answer.status !== 200) throw new Violation(`A cancellation was answered ${answer.status}`);
      const view = history.check(answer.body, done);
      if (view.error_code !== "cancelled") {
        throw new Violation(`${history.jobId} was cancelled: ${JSON.stringify(view)}`);
      }
      await checkUnreadable(this.world, user, history);
    });
  }

  /** The stage of the job just before its cancellation. */
  async #stageOf({ jobId }: JobHistory): Promise<string> {
    const { sql, sequencer } = this.world;
    const [job] = await sequencer.inTurn(async () => await sql`select stage from video_jobs where job_id = ${jobId}`);
    return String(job?.stage ?? "gone");
  }

  /** Deletes a user's own job, in one request with a job of another user. */
  delete(user: User, history: JobHistory, foreign: JobHistory | undefined): Operation {
    const inOpenv = this.random.chance(0.3);
    return this.journal.operation(`delete u${user.index} ${history.jobId}`, async (moment) => {
      history.deletionAsked = true;
      const jobIds = [history.jobId, ...(foreign === undefined ? [] : [foreign.jobId])];
      const answer = await this.world.endpoints.call(inOpenv ? "openv" : "videos", {
        method: "DELETE",
        ...(inOpenv ? { path: "/api/videos" } : {}),
        userId: user.id,
        body: JSON.stringify(inOpenv ? { jobIds } : { job_ids: jobIds }),
      });
      const done = moment();
      const { finished, disturbed } = done;
      if (checkLeaving(user, true, answer.code, done)) return;
      if (answer.status >= 500 && disturbed) return;
      const result = (inOpenv ? deletedInOpenvSchema : deletedSchema).parse(answer.body);
      // The deletion of the account may have deleted the job already.
      const kept = result.not_deleted.map(({ job_id }) => job_id);
      const mine = (result.deleted.length === 0 && user.leaving) || kept.includes(history.jobId) ? [] : [history.jobId];
      const others = jobIds.filter((id) => !mine.includes(id) && !kept.includes(id)).toSorted();
      if (result.deleted.join() !== mine.join() || result.not_found.toSorted().join() !== others.join()) {
        throw new Violation(`The deletion of ${jobIds} was answered ${JSON.stringify(result)}`);
      }
      if (mine.length > 0 && history.expected.imported !== undefined) {
        this.world.counts.add("imports", "deleted by its owner");
      }
      if (kept.length > 0) this.world.counts.add("cancellations", "not deleted");
      else history.goneSince = Math.min(history.goneSince, finished);
    });
  }

  /** The app requests what has changed. */
  sync(user: User): Operation {
    return this.journal.operation(`sync u${user.index}`, async (moment) => {
      const status = await user.cache.sync((path) =>
        this.world.endpoints.call("videos", { method: "GET", path, userId: user.id })
      );
      if (status === 401 && user.leaving) return;
      if (status !== 200 && !moment().disturbed) throw new Violation(`The list was answered ${status}`);
    });
  }
}
