import { z } from "zod";
import { JobHistory } from "./job-history.ts";
import type { Journal, Operation } from "./journal.ts";
import { checkGeneration, type Key, type User } from "./model.ts";
import type { Random } from "./random.ts";
import { newVariant, type Variant } from "./requests.ts";
import { Violation } from "./violation.ts";
import { RETENTION_DAYS, type World } from "./world.ts";

const DAY_MS = 24 * 3_600_000;

const deletedSchema = z.object({ deleted: z.array(z.string()), not_found: z.array(z.string()) });

/** What clients do; each operation checks the answer that it gets. */
export class Operations {
  readonly jobs: { user: User; history: JobHistory }[] = [];

  constructor(
    private readonly world: World,
    private readonly random: Random,
    private readonly journal: Journal,
  ) {}

  newKey(user: User): Key {
    const name = `u${user.index}-k${user.keys.length}`;
    const quoted = this.random.chance(0.1);
    const uuid = this.random.uuid();
    const key: Key = {
      text: quoted ? `"${uuid}"` : uuid,
      name,
      variants: [],
      told: [],
      firstStarted: this.world.clock.now(),
    };
    key.variants.push(newVariant(this.random, name, 0));
    user.keys.push(key);
    return key;
  }

  generate(user: User, key: Key, variant: Variant): Operation {
    const text = `generate ${key.name}-v${key.variants.indexOf(variant)} ${
      /\[.*/.exec(String(variant.body.prompt)) ?? ""
    }`;
    return this.journal.operation(text, async (moment) => {
      const answer = await this.world.endpoints.call("generate-video", {
        userId: user.id,
        headers: { "Idempotency-Key": key.text },
        body: JSON.stringify(variant.body),
      });
      const done = moment();
      const jobId = checkGeneration(
        key,
        variant,
        { ...answer, replayed: answer.headers.has("x-idempotent-replay") },
        done,
      );
      if (jobId === null || user.jobs.some((history) => history.jobId === jobId)) return;
      const { node_id } = variant.body;
      const history = new JobHistory(jobId, done.startedAt, typeof node_id === "string" ? node_id : null);
      user.jobs.push(history);
      this.jobs.push({ user, history });
    });
  }

  poll(user: User, history: JobHistory): Operation {
    const byNode = history.nodeId !== null && this.random.chance(0.5);
    const path = byNode ? `?node_id=${history.nodeId}` : `?job_id=${history.jobId}`;
    return this.journal.operation(`poll u${user.index} ${history.jobId}`, async (moment) => {
      const answer = await this.world.endpoints.call("get-video-status", { method: "GET", path, userId: user.id });
      const { started, finished, finishedAt, disturbed } = moment();
      if (answer.status >= 500 && disturbed) return;
      if (answer.status === 404 && mayBeGone(history, finishedAt)) return;
      if (answer.status === 200 && !byNode && history.goneSince < started) {
        throw new Violation(`${history.jobId} is back`);
      }
      if (answer.status !== 200) throw new Violation(`The poll of ${history.jobId} was answered ${answer.status}`);
      // The key of a node may have expired and made a newer job there.
      if (byNode && answer.body.job_id !== history.jobId) return;
      history.check(answer.body, started, finished);
    });
  }

  /** Somebody else asks for the job, or tries to cancel it. */
  trespass(user: User, { jobId }: JobHistory): Operation {
    const cancels = this.random.chance(0.4);
    return this.journal.operation(`trespass u${user.index} ${jobId}`, async (moment) => {
      const answer = cancels
        ? await this.world.endpoints.call("videos", { path: `/${jobId}/cancel`, userId: user.id })
        : await this.world.endpoints.call("get-video-status", {
          method: "GET",
          path: `?job_id=${jobId}`,
          userId: user.id,
        });
      if (answer.status === 404 || moment().disturbed) {
        if (answer.status === 200) throw new Violation(`${user.id} was shown ${jobId}`);
        return;
      }
      throw new Violation(`${user.id} asked for ${jobId} of another user and was answered ${answer.status}`);
    });
  }

  cancel(user: User, history: JobHistory): Operation {
    return this.journal.operation(`cancel u${user.index} ${history.jobId}`, async (moment) => {
      const answer = await this.world.endpoints.call("videos", { path: `/${history.jobId}/cancel`, userId: user.id });
      const { started, finished, finishedAt, disturbed } = moment();
      if (answer.status === 409 || (answer.status >= 500 && disturbed)) return;
      if (answer.status === 404 && mayBeGone(history, finishedAt)) return;
      if (answer.status !== 200) throw new Violation(`The cancel of ${history.jobId} was answered ${answer.status}`);
      const view = history.check(answer.body, started, finished);
      if (view.error_code !== "cancelled") {
        throw new Violation(`${history.jobId} was cancelled: ${JSON.stringify(view)}`);
      }
    });
  }

  /** Deletes one's own job, in one request with somebody else's. */
  delete(user: User, history: JobHistory, foreign: JobHistory | undefined): Operation {
    return this.journal.operation(`delete u${user.index} ${history.jobId}`, async (moment) => {
      history.deletionAsked = true;
      const jobIds = [history.jobId, ...(foreign === undefined ? [] : [foreign.jobId])];
      const answer = await this.world.endpoints.call("videos", {
        method: "DELETE",
        userId: user.id,
        body: JSON.stringify({ job_ids: jobIds }),
      });
      const { finished, disturbed } = moment();
      if (answer.status >= 500 && disturbed) return;
      const told = deletedSchema.parse(answer.body);
      if (told.deleted.join() !== history.jobId || told.not_found.join() !== (foreign?.jobId ?? "")) {
        throw new Violation(`The deletion of ${jobIds} was answered ${JSON.stringify(told)}`);
      }
      history.goneSince = Math.min(history.goneSince, finished);
    });
  }

  /** The app asks for what has changed. */
  sync(user: User): Operation {
    return this.journal.operation(`sync u${user.index}`, async (moment) => {
      const status = await user.mirror.sync((path) =>
        this.world.endpoints.call("videos", { method: "GET", path, userId: user.id })
      );
      if (status !== 200 && !moment().disturbed) throw new Violation(`The list was answered ${status}`);
    });
  }
}

/** Deleted by its owner, or past the retention. */
function mayBeGone(history: JobHistory, now: number): boolean {
  return history.deletionAsked || now >= history.since + RETENTION_DAYS * DAY_MS;
}
