import { KEY_MS, REPEAT_MS } from "./limits.ts";
import { Violation } from "../runtime/violation.ts";
import type { Moment } from "./moment.ts";
import type { RequestVariant } from "./request.ts";
import { TROUBLE } from "./user.ts";

/** What the answers to one key said about one job. */
interface KeyedJob {
  jobId: string;
  variant: RequestVariant;
  /** The earliest time at which a request may have made the job. The key is bound to it at least from then on. */
  since: number;
  /** The event number of the first answer that named the job. */
  knownAt: number;
  accepted?: string;
  failed?: { body: string; at: number };
  /** Whether the request that made the job was answered 200. Then every later answer to the key is 200. */
  firstWasAccepted: boolean;
}

/** An idempotency key of a user. Without a text none is sent, and only the one variant belongs to it. */
export interface Key {
  text: string | null;
  name: string;
  variants: RequestVariant[];
  jobs: KeyedJob[];
  firstStarted: number;
  /** Whether a job may have failed, or been ended or deleted by its owner: a request without a key is then forgotten. */
  mayBeEnded(jobId: string): boolean;
  /** The event number from which a job is known to have failed, or to be cancelled or deleted. */
  endedSince(jobId: string): number;
}

/** The key of a batch. Each transition of the batch has a key of its own. */
export interface BatchKey {
  text: string | null;
  variants: { body: Record<string, unknown>; refusal: RequestVariant["refusal"] }[];
  items: Key[];
  groupId: string | null;
  /** How often it was sent, and how many of its answers are still to come. */
  sent: number;
  waiting: number;
}

export interface GenerationAnswer {
  status: number;
  code: string;
  body: Record<string, unknown>;
  replayed: boolean;
}

const DAY_MS = 24 * 3_600_000;

/** How long the key is bound. */
function boundMs({ text }: Pick<Key, "text">): number {
  return text === null ? REPEAT_MS : KEY_MS;
}

/** Whether the key must still answer with the job. */
export function isBound(key: Key, job: { jobId: string; since: number }, { finishedAt }: Moment): boolean {
  return finishedAt < job.since + boundMs(key) && !(key.text === null && key.mayBeEnded(job.jobId));
}

/** The header with the key, if it is sent. */
export function keyHeader({ text }: Pick<Key, "text">): Record<string, string> {
  return text === null ? {} : { "Idempotency-Key": text };
}

/** Checks an answer against all earlier answers to its key. Returns the job that the answer names, or null. */
export function checkGeneration(
  key: Key,
  variant: RequestVariant,
  answer: GenerationAnswer,
  moment: Moment,
): string | null {
  const bound = key.jobs.find((job) => job.knownAt < moment.started && isBound(key, job, moment));
  if (answer.status === 200 || answer.code === "provider_failed") return checkJob(key, variant, answer, moment, bound);
  if (moment.disturbed && TROUBLE.includes(answer.code)) return null;
  if (variant.refusal !== null && variant.refusal.code === answer.code) return null;
  if (answer.code === "idempotency_key_reused" && key.variants.length > 1) return null;
  const free = ["insufficient_credits", "too_many_active_jobs", "rate_limited", "provider_unavailable"]
    .concat(inputRefusals(variant, moment), variant.mayLackNode?.(moment) ? ["node_not_found"] : []);
  if (!free.includes(answer.code)) throw new Violation(`${key.name} was answered ${answer.status} ${answer.code}`);
  if (bound !== undefined) {
    throw new Violation(`${key.name} is bound to ${bound.jobId} and was answered ${answer.code}`);
  }
  return null;
}

/** The codes with which a request may be refused because of the files that it names. */
function inputRefusals({ uploads }: RequestVariant, moment: Moment): string[] {
  return uploads.flatMap(({ since, isImage, storedAt }) => [
    ...(isImage ? [] : ["input_refused"]),
    // The purge deletes a file that no job has used for a day.
    ...(storedAt < moment.started && moment.finishedAt < since + DAY_MS ? [] : ["input_missing"]),
  ]);
}

function checkJob(
  key: Key,
  variant: RequestVariant,
  answer: GenerationAnswer,
  moment: Moment,
  bound: KeyedJob | undefined,
): string {
  const jobId = String(answer.body.job_id);
  if (variant.refusal !== null) throw new Violation(`${key.name} was taken instead of ${variant.refusal.code}`);
  if (bound !== undefined && bound.jobId !== jobId) {
    throw new Violation(
      `${key.name} made the job ${jobId} although it is bound to ${bound.jobId}: ${JSON.stringify([bound, moment])}`,
    );
  }
  const job = key.jobs.find((one) => one.jobId === jobId) ?? remember(key, variant, jobId, moment);
  if (key.text === null && key.endedSince(jobId) < moment.started) {
    throw new Violation(`${key.name} was answered with ${jobId}, which had ended before`);
  }
  if (job.variant !== variant) throw new Violation(`${key.name} answered another request with the job ${jobId}`);
  checkAnswer(key, job, answer, moment);
  return jobId;
}

function remember(key: Key, variant: RequestVariant, jobId: string, moment: Moment): KeyedJob {
  const previous = key.jobs.at(-1);
  if (previous !== undefined && isBound(key, previous, moment)) {
    throw new Violation(`${key.name} made two jobs while it was bound: ${previous.jobId}, ${jobId}`);
  }
  const isForgotten = key.text === null && previous !== undefined && key.mayBeEnded(previous.jobId);
  const since = previous === undefined ? key.firstStarted : previous.since + (isForgotten ? 0 : boundMs(key));
  const job = { jobId, variant, since, knownAt: moment.finished, firstWasAccepted: false };
  key.jobs.push(job);
  return job;
}

function checkAnswer(key: Key, job: KeyedJob, answer: GenerationAnswer, moment: Moment): void {
  const body = JSON.stringify(answer.body);
  if (answer.status === 200) {
    if (job.accepted !== undefined && job.accepted !== body) {
      throw new Violation(`${key.name} was answered ${body} after ${job.accepted}`);
    }
    if (job.failed !== undefined && (!answer.replayed || job.failed.at < moment.started)) {
      throw new Violation(`${key.name} was answered 200 after the 500 ${job.failed.body}`);
    }
    job.accepted = body;
    job.firstWasAccepted ||= !answer.replayed;
    return;
  }
  if (job.failed !== undefined && job.failed.body !== body) {
    throw new Violation(`${key.name} was answered ${body} after ${job.failed.body}`);
  }
  if (job.firstWasAccepted) {
    throw new Violation(`${key.name} was answered 500 after a 200 that was no replay: ${body}`);
  }
  job.failed ??= { body, at: moment.finished };
}
