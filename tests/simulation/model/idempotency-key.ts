import { Violation } from "../runtime/violation.ts";
import type { Moment } from "./moment.ts";
import type { RequestVariant } from "./request.ts";
import { TROUBLE } from "./user.ts";

/** What a client was told under one key about one job. */
interface KeyedJob {
  jobId: string;
  variant: RequestVariant;
  /** The earliest start of a request that may have made the job, in the world's time: it expires a day after that or later. */
  since: number;
  /** When the first answer that named the job came, in the order of events. */
  knownAt: number;
  accepted?: string;
  failed?: { body: string; at: number };
  /** The request that made the job was answered 200: its key answers so for good. */
  firstWasAccepted: boolean;
}

/** One idempotency key of one user. */
export interface Key {
  text: string;
  name: string;
  variants: RequestVariant[];
  jobs: KeyedJob[];
  firstStarted: number;
}

/** The key of a batch: each of its transitions has one of its own behind it. */
export interface BatchKey {
  text: string;
  variants: { body: Record<string, unknown>; refusal: RequestVariant["refusal"] }[];
  items: Key[];
  groupId: string | null;
}

export interface GenerationAnswer {
  status: number;
  code: string;
  body: Record<string, unknown>;
  replayed: boolean;
}

const DAY_MS = 24 * 3_600_000;

/** Checks what a generation request was answered against all that its key was answered before. The job, if it names one. */
export function checkGeneration(
  key: Key,
  variant: RequestVariant,
  answer: GenerationAnswer,
  moment: Moment,
): string | null {
  const bound = key.jobs.find((told) => told.knownAt < moment.started && moment.finishedAt < told.since + DAY_MS);
  if (answer.status === 200 || answer.code === "provider_failed") return checkJob(key, variant, answer, moment, bound);
  if (moment.disturbed && TROUBLE.includes(answer.code)) return null;
  if (variant.refusal !== null && variant.refusal.code === answer.code) return null;
  if (answer.code === "idempotency_key_reused" && key.variants.length > 1) return null;
  const free = ["insufficient_credits", "too_many_active_jobs", "rate_limited", "provider_unavailable"]
    .concat(inputRefusals(variant, moment));
  if (!free.includes(answer.code)) throw new Violation(`${key.name} was answered ${answer.status} ${answer.code}`);
  if (bound !== undefined) {
    throw new Violation(`${key.name} is bound to ${bound.jobId} and was answered ${answer.code}`);
  }
  return null;
}

/** Why a request may be refused for the files that it names. */
function inputRefusals({ uploads }: RequestVariant, moment: Moment): string[] {
  return uploads.flatMap(({ since, isImage, storedAt }) => [
    ...(isImage ? [] : ["input_refused"]),
    // The purge deletes what nobody has used for a day.
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
  const told = key.jobs.find((one) => one.jobId === jobId) ?? remember(key, variant, jobId, moment);
  if (told.variant !== variant) throw new Violation(`${key.name} answered another request with the job ${jobId}`);
  checkAnswer(key, told, answer, moment);
  return jobId;
}

function remember(key: Key, variant: RequestVariant, jobId: string, moment: Moment): KeyedJob {
  const previous = key.jobs.at(-1);
  if (previous !== undefined && moment.finishedAt < previous.since + DAY_MS) {
    throw new Violation(`${key.name} made two jobs within a day: ${previous.jobId}, ${jobId}`);
  }
  const since = previous === undefined ? key.firstStarted : previous.since + DAY_MS;
  const told = { jobId, variant, since, knownAt: moment.finished, firstWasAccepted: false };
  key.jobs.push(told);
  return told;
}

function checkAnswer(key: Key, told: KeyedJob, answer: GenerationAnswer, moment: Moment): void {
  const body = JSON.stringify(answer.body);
  if (answer.status === 200) {
    if (told.accepted !== undefined && told.accepted !== body) {
      throw new Violation(`${key.name} was answered ${body} after ${told.accepted}`);
    }
    if (told.failed !== undefined && (!answer.replayed || told.failed.at < moment.started)) {
      throw new Violation(`${key.name} was answered 200 after the 500 ${told.failed.body}`);
    }
    told.accepted = body;
    told.firstWasAccepted ||= !answer.replayed;
    return;
  }
  if (told.failed !== undefined && told.failed.body !== body) {
    throw new Violation(`${key.name} was answered ${body} after ${told.failed.body}`);
  }
  if (told.firstWasAccepted) {
    throw new Violation(`${key.name} was answered 500 after a 200 that was no replay: ${body}`);
  }
  told.failed ??= { body, at: moment.finished };
}
