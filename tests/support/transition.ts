import assert from "node:assert/strict";
import { z } from "zod";
import type { SubmittedRequest } from "../../local/simulators/fal/simulator.ts";
import { simulatorOf } from "./generation.ts";
import { type Answer, COPY_LEASE_SECONDS, type TestUser, until, type World } from "./harness.ts";

/** The least that a transition needs. */
export const PLAIN = {
  front_image: "https://example.com/front.jpg",
  tail_image: "https://example.com/tail.jpg",
  prompt: "Dynamic video transition",
  duration: 5,
};
export const VOICED = { enable_voiceover: true, voiceover_text: "Hello there" };
export const SUBTITLED = {
  enable_subtitles: true,
  subtitles: [{ startTime: 0, endTime: 2.5, text: "First subtitle" }],
};

/** With every option: one credit a second, one for the voice and one for the music. */
export const WHOLE = { ...PLAIN, ...VOICED, ...SUBTITLED, enable_music: true };
export const WHOLE_PRICE = 7;

/** The endpoint of each step. */
export const ENDPOINTS = {
  generate: "fal-ai/kling-video/v3/standard/image-to-video",
  frame: "fal-ai/ffmpeg-api/extract-frame",
  join: "fal-ai/ffmpeg-api/merge-videos",
  trim: "fal-ai/workflow-utilities/trim-video",
  voiceover: "fal-ai/kokoro/american-english",
  music: "fal-ai/stable-audio-25/text-to-audio",
  loudness: "fal-ai/ffmpeg-api/loudnorm",
  mix: "fal-ai/ffmpeg-api/compose",
  subtitles: "veed/subtitles",
} as const;
export type StepName = keyof typeof ENDPOINTS;

/** Longer than any pause between two checks or attempts without failures. */
const NEXT_LOOK_SECONDS = 20;
/** Longer than the grace time of a lost submission, and than any wait for an extra but the thumbnail. */
const NEXT_ATTEMPT_SECONDS = 125;
const MAX_POLLS = 200;

/** One requested transition: the answer to its user, and what the provider received. */
export interface Transition {
  user: TestUser;
  key: string;
  answer: Answer;
  taskId: string;
  /** The same request with the same key. */
  send(): Promise<Answer>;
  /** Asks for the task's status, some seconds later. */
  poll(secondsLater?: number): Promise<Answer>;
  /** Asks again and again until the task is over. */
  outcome(): Promise<Answer>;
  /** Asks until the step is under way at the provider. */
  reach(step: string): Promise<void>;
  /** What the provider accepted since it was asked for, oldest first. Tests of a file run one after the other. */
  runs(): readonly Readonly<SubmittedRequest>[];
  /** The runs of one step. */
  runsOf(step: StepName): readonly Readonly<SubmittedRequest>[];
  /** The changes of the user's credits for it. */
  ledger(): Promise<number[]>;
}

export interface TransitionOptions {
  user?: TestUser;
  body?: Record<string, unknown>;
  key?: string;
}

export function postTransition(
  world: World,
  user: TestUser | undefined,
  body: unknown,
  headers: HeadersInit = {},
): Promise<Answer> {
  return world.call("transitions/create-and-generate/", { user, body, headers });
}

export function taskStatus(world: World, user: TestUser, taskId: unknown): Promise<Answer> {
  return world.call(`transitions/task-status/${taskId}/`, { method: "GET", user });
}

/** Asks for a transition, by default with everything, and waits until it is submitted, or failed to be. */
export async function startTransition(world: World, options: TransitionOptions = {}): Promise<Transition> {
  const user = options.user ?? await world.newUser();
  const key = options.key ?? crypto.randomUUID();
  const body = options.body ?? WHOLE;
  const before = simulatorOf(world).requests.length;
  const send = () => postTransition(world, user, body, { "Idempotency-Key": key });
  const answer = await send();
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
  const taskId = String(answer.body.task_id);
  await submitted(world, taskId);

  async function poll(secondsLater = NEXT_LOOK_SECONDS): Promise<Answer> {
    await world.travel(secondsLater);
    return await taskStatus(world, user, taskId);
  }
  const runs = () => simulatorOf(world).requests.slice(before);
  return {
    user,
    key,
    answer,
    taskId,
    send,
    poll,
    async outcome() {
      for (let count = 0; count < MAX_POLLS; count++) {
        const polled = await poll(count < 20 ? NEXT_LOOK_SECONDS : NEXT_ATTEMPT_SECONDS);
        if (polled.body.ready) return polled;
      }
      throw new Error(`Task ${taskId} does not end:\n${world.functions.log.slice(-20).join("\n")}`);
    },
    async reach(step) {
      for (let count = 0; count < MAX_POLLS; count++) {
        const [job] = await world.sql`
          select step_names[jobs.step + 1] as step, provider_job_id from video_jobs as jobs
          join private.job_queue using (job_id) where job_id = ${taskId}`;
        if (job?.step === step && job?.provider_job_id !== null) return;
        const { body } = await poll();
        assert.ok(!body.ready, `it ended before ${step}: ${JSON.stringify(body)}`);
      }
      throw new Error(`Task ${taskId} does not come to ${step}`);
    },
    runs,
    runsOf: (step) => runs().filter(({ endpoint }) => endpoint === ENDPOINTS[step]),
    async ledger() {
      const entries = await world.sql`select change from quota_log where job_id = ${taskId} order by id`;
      return entries.map(({ change }) => Number(change));
    },
  };
}

/** Waits until the transition, which is submitted after the answer, is accepted, refused, or its outcome unknown. */
export async function submitted(world: World, taskId: string): Promise<void> {
  await until("the transition is submitted", async () => {
    const [work] = await world.sql`
      select from private.job_queue where job_id = ${taskId} and (provider_job_id is not null or lease_until is null)`;
    return work !== undefined ||
      world.functions.log.some((line) => /submission_unknown/.test(line) && line.includes(taskId));
  });
}

const resultSchema = z.record(z.string(), z.unknown());

/** The result of a task that succeeded. */
export function resultOf({ body }: Answer): Record<string, unknown> {
  assert.equal(body.state, "SUCCESS", JSON.stringify(body));
  return resultSchema.parse(body.result);
}

/** Fails unless the task was delivered with everything and paid for exactly once, and every book balances. */
export async function assertDelivered(
  world: World,
  transition: Transition,
  end: Answer,
  price = WHOLE_PRICE,
): Promise<Record<string, unknown>> {
  const result = resultOf(end);
  assert.deepEqual([result.skipped_extras, result.credits_used, result.credits_refunded], [[], price, 0]);
  assert.deepEqual(await transition.ledger(), [-price]);
  await world.audit();
  return result;
}

/** Fails unless the task failed for this reason and was refunded once, in full, and every book balances. */
export async function assertFailed(
  world: World,
  transition: Transition,
  end: Answer,
  errorCode: string,
  price = WHOLE_PRICE,
): Promise<void> {
  const { error, ...rest } = end.body;
  assert.match(String(error), /^Failed to process video: .{10,}$/);
  assert.deepEqual(rest, {
    task_id: transition.taskId,
    state: "FAILURE",
    ready: true,
    error_code: errorCode,
    credits_refunded: price,
  });
  assert.deepEqual(await transition.ledger(), [-price, price]);
  assert.equal(await world.balance(transition.user), 100);
  await world.audit();
}

/** Fails unless a job has no row and no file left, and after the next purge no file to delete either. */
export async function assertNothingLeft(world: World, jobId: string): Promise<void> {
  const traces = () =>
    world.sql`
      select 'job' as trace from video_jobs where job_id = ${jobId}
      union all select 'work' from private.job_queue where job_id = ${jobId}
      union all select name from storage.objects where name like ${`%${jobId}%`}`;
  assert.deepEqual((await traces()).map(({ trace }) => trace), []);
  await world.travel(COPY_LEASE_SECONDS + 1);
  assert.equal((await world.purge()).status, 200);
  assert.deepEqual((await traces()).map(({ trace }) => trace), []);
  const listed = await world.sql`select path from private.files_to_delete where path like ${`%${jobId}%`}`;
  assert.deepEqual(listed.map(({ path }) => path), []);
}
