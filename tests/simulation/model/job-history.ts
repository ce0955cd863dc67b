import { z } from "zod";
import { RETENTION_DAYS } from "./limits.ts";
import { refundFor } from "./prices.ts";
import type { ExpectedJob } from "./request.ts";
import { Violation } from "../runtime/violation.ts";

const deliverySchema = z.object({
  credits_used: z.number(),
  credits_refunded: z.number(),
  skipped_extras: z.array(z.string()),
  video_url: z.string().nullable(),
  thumbnail_url: z.string().nullable(),
  subtitles_url: z.string().nullable(),
});
type Delivery = z.infer<typeof deliverySchema>;

const viewSchema = deliverySchema.extend({
  job_id: z.string(),
  id: z.number(),
  user_id: z.string(),
  kind: z.enum(["generation", "transition"]),
  status: z.enum(["pending", "processing", "completed", "failed"]),
  updated_at: z.string(),
  error_code: z.string().nullable(),
  progress: z.object({ percent: z.number(), step: z.number(), step_name: z.string() }),
});
type View = z.infer<typeof viewSchema>;

/** A job as the canvas answers it. */
const nodeJobSchema = z.object({
  job_id: z.string(),
  status: z.enum(["PENDING", "PROCESSING", "COMPLETED", "FAILED"]),
  result: z.object({ video_url: z.string().nullable() }).nullable(),
  error: z.string().nullable(),
  error_code: z.string().nullable(),
  updated_at: z.string(),
  progress: z.object({ percent: z.number(), step: z.number() }),
}).transform(({ status, ...job }) => ({ ...job, status: viewSchema.shape.status.parse(status.toLowerCase()) }));

const taskSchema = z.discriminatedUnion("state", [
  z.object({ task_id: z.string(), state: z.literal("PENDING"), ready: z.literal(false), info: z.null() }),
  z.object({
    task_id: z.string(),
    state: z.literal("PROCESSING"),
    ready: z.literal(false),
    info: z.object({ current: z.number(), total: z.literal(100), status: z.string().min(1) }),
  }),
  z.object({
    task_id: z.string(),
    state: z.literal("SUCCESS"),
    ready: z.literal(true),
    result: deliverySchema.extend({ transition_id: z.number(), status: z.literal("completed") }),
  }),
  z.object({
    task_id: z.string(),
    state: z.literal("FAILURE"),
    ready: z.literal(true),
    error: z.string(),
    error_code: z.string(),
    credits_refunded: z.number(),
  }),
]);
type Task = z.infer<typeof taskSchema>;

/** What one answer said. A field that the answer does not have is missing. */
interface Seen {
  status: View["status"];
  percent?: number;
  step?: number;
  updatedAt?: string;
  refunded?: number;
  id?: number;
}

/** Older answers than these came before every request that is still under way. */
const KEPT = 12;
const DAY_MS = 24 * 3_600_000;
const RANK = { pending: 0, processing: 1, completed: 2, failed: 2 };

/** The event numbers at which a request began and ended, and the simulated time of its end. */
interface RequestTimes {
  started: number;
  finished: number;
  finishedAt: number;
}

/** All answers that the owner of a job got about it. */
export class JobHistory {
  /** Whether the owner asked for the job's deletion, and the event number from which it is known to be deleted. */
  deletionAsked = false;
  /** Whether the owner asked for the job's cancellation. */
  endAsked = false;
  goneSince = Infinity;
  /** The event number from which it is known to have failed or to be cancelled. */
  failedSince = Infinity;
  /** Whether the owner asked for the revocation of all links. */
  revocationAsked = false;
  /** Every address of a file that the owner ever got. */
  readonly addresses = new Set<string>();
  #seen: { finished: number; answer: Seen }[] = [];

  /** `since`: the simulated time at which the request that made the job began. */
  constructor(
    readonly jobId: string,
    readonly since: number,
    readonly nodeId: string | null,
    readonly expected: ExpectedJob,
  ) {}

  /** Whether the job may be deleted: by its owner, or after the retention. */
  mayBeGone(now: number): boolean {
    return this.deletionAsked || now >= this.since + RETENTION_DAYS * DAY_MS;
  }

  /** Checks one more answer. Compared with the answers from before its request, nothing may go back. */
  check(body: unknown, times: RequestTimes): View {
    const view = viewSchema.parse(body);
    this.#remember(view);
    if (view.job_id !== this.jobId || view.kind !== this.expected.kind) {
      throw new Violation(`The request was for ${this.jobId}, the answer is about ${view.kind} ${view.job_id}`);
    }
    this.#compare({
      status: view.status,
      percent: view.progress.percent,
      step: view.progress.step,
      updatedAt: view.updated_at,
      refunded: view.credits_refunded,
      id: view.id,
    }, times);
    if ((view.status === "failed") !== (view.error_code !== null)) throw this.#contradiction(view);
    if (view.credits_used !== this.expected.price) throw this.#contradiction(view);
    switch (view.status) {
      case "completed":
        this.#checkDelivery(view, times.finishedAt);
        break;
      case "failed":
        if (view.credits_refunded !== view.credits_used || view.video_url !== null) throw this.#contradiction(view);
        break;
      default:
        if (view.credits_refunded !== 0 || view.video_url !== null) throw this.#contradiction(view);
    }
    return view;
  }

  /** The same check for an answer of `task-status`. */
  checkTask(body: unknown, times: RequestTimes): void {
    const task = taskSchema.parse(body);
    if (task.task_id !== this.jobId) {
      throw new Violation(`The request was for ${this.jobId}, the answer is about ${task.task_id}`);
    }
    this.#compare(seenOf(task), times);
    if (task.state === "SUCCESS") this.#remember(task.result);
    if (task.state === "SUCCESS") this.#checkDelivery(task.result, times.finishedAt);
    if (task.state === "FAILURE" && task.credits_refunded !== this.expected.price) throw this.#contradiction(task);
  }

  /** The same check for an answer of the canvas, which shows neither prices nor refunds. */
  checkNodeJob(body: unknown, times: RequestTimes): void {
    const job = nodeJobSchema.parse(body);
    const { status, progress: { percent, step }, updated_at } = job;
    if (job.job_id !== this.jobId) throw this.#contradiction(job);
    this.#compare({ status, percent, step, updatedAt: updated_at }, times);
    const isFailed = status === "failed";
    if (isFailed !== (job.error_code !== null) || isFailed !== (job.error !== null)) throw this.#contradiction(job);
    if ((status === "completed") !== (job.result !== null)) throw this.#contradiction(job);
    // A deletion may remove the file between the read of the job and the signing of its address.
    if (job.result?.video_url === null && !this.mayBeGone(times.finishedAt)) throw this.#contradiction(job);
  }

  #remember({ video_url, thumbnail_url, subtitles_url }: Delivery): void {
    for (const url of [video_url, thumbnail_url, subtitles_url]) if (url !== null) this.addresses.add(url);
  }

  #compare(answer: Seen, { started, finished }: RequestTimes): void {
    if (answer.status === "failed") this.failedSince = Math.min(this.failedSince, finished);
    for (const { answer: earlier } of this.#seen.filter((seen) => seen.finished < started)) {
      const wrong = stepBack(earlier, answer);
      if (wrong !== null) throw new Violation(`Job ${this.jobId}: ${wrong}, ${JSON.stringify([earlier, answer])}`);
    }
    this.#seen = [...this.#seen.slice(1 - KEPT), { finished, answer }];
  }

  /** A delivered video has all that was paid for, and skipped extras are refunded. */
  #checkDelivery(delivery: Delivery, now: number): void {
    const { skipped_extras, video_url, thumbnail_url, subtitles_url } = delivery;
    const { extras, spare, subtitles } = this.expected;
    const mayLack = skipped_extras.every((part) => extras.some((extra) => extra === part && spare.includes(extra)));
    if (!mayLack || delivery.credits_refunded !== refundFor(extras, skipped_extras)) {
      throw this.#contradiction(delivery);
    }
    if (!subtitles && subtitles_url !== null) throw this.#contradiction(delivery);
    // A deletion may remove the files between the read of the job and the signing of their addresses.
    if (this.mayBeGone(now)) return;
    const lacksThumbnail = thumbnail_url === null && this.expected.imported?.hasThumbnail === true;
    const lacksSubtitles = subtitles && subtitles_url === null && isOurs(video_url);
    if (video_url === null || lacksThumbnail || lacksSubtitles) throw this.#contradiction(delivery);
  }

  #contradiction(answer: unknown): Violation {
    return new Violation(
      `The answer about job ${this.jobId} contradicts itself or the request: ${
        JSON.stringify([answer, this.expected])
      }`,
    );
  }
}

function isOurs(url: string | null): boolean {
  return url !== null && url.includes("/storage/v1/object/sign/");
}

function seenOf(task: Task): Seen {
  switch (task.state) {
    case "PENDING":
      return { status: "pending" };
    case "PROCESSING":
      return { status: "processing", percent: task.info.current };
    case "SUCCESS":
      return { status: "completed", refunded: task.result.credits_refunded, id: task.result.transition_id };
    case "FAILURE":
      return { status: "failed", refunded: task.credits_refunded };
  }
}

function stepBack(earlier: Seen, later: Seen): string | null {
  const fell = (before: number | undefined, after: number | undefined) =>
    before !== undefined && after !== undefined && after < before;
  if (RANK[later.status] < RANK[earlier.status]) return "its status went back";
  if (RANK[earlier.status] === 2 && later.status !== earlier.status) return "its final status changed";
  if (fell(earlier.percent, later.percent)) return "its percentage fell";
  if (fell(earlier.step, later.step)) return "its step went back";
  if (fell(earlier.refunded, later.refunded)) return "its refund shrank";
  if (earlier.id !== undefined && later.id !== undefined && earlier.id !== later.id) return "its id changed";
  const [before, after] = [earlier.updatedAt, later.updatedAt];
  return before !== undefined && after !== undefined && after < before ? "updated_at went back" : null;
}
