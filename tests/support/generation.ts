import assert from "node:assert/strict";
import type { FalSimulator, SubmittedRequest } from "../../local/simulators/fal/simulator.ts";
import { type Answer, KLING, type TestUser, type World } from "./harness.ts";

/** Runs that take no time: the next check of a submitted job finds it finished. */
export const INSTANT = { queueMs: 0, runMs: 0, concurrency: 100 };
/** Runs that end only when a test ends them. */
export const ENDLESS = { queueMs: 0, runMs: 3_600_000, concurrency: 100 };

/** Kling 3 Standard's price for its default of five seconds. */
export const PRICE = 5;
/** Longer than any pause between two checks of a job without failures. */
const NEXT_LOOK_SECONDS = 20;
/** Longer than the grace time of a lost submission and than any pause between two attempts. */
const NEXT_ATTEMPT_SECONDS = 125;
/** With the pauses above this is far beyond every deadline. */
const MAX_POLLS = 25;

/** A request for a video, ready to be sent. */
export interface GenerationRequest {
  user: TestUser;
  key: string;
  body: Record<string, unknown>;
  /** Sends it, with the same key each time. `settles: false` as in `CallOptions`. */
  send(options?: { settles?: boolean }): Promise<Answer>;
  /** What the provider accepted for it, oldest first. */
  runs(): readonly Readonly<SubmittedRequest>[];
}

/** One requested video: the answer to its user, and what the provider received. */
export interface Generation extends GenerationRequest {
  answer: Answer;
  jobId: string;
  /** Asks for the status, some seconds later: by default when the next check is due. */
  poll(secondsLater?: number): Promise<Answer>;
  /** Asks again and again until the job is over. */
  outcome(): Promise<Answer>;
  /** The changes of the user's credits for this job. */
  ledger(): Promise<number[]>;
}

export interface GenerationOptions {
  user?: TestUser;
  /** Words for the simulator, such as `content_policy`. */
  fal?: string;
  body?: Record<string, unknown>;
}

/** Asks for a video, by default as a new user who can pay for it. */
export async function startGeneration(world: World, options: GenerationOptions = {}): Promise<Generation> {
  const request = await prepareGeneration(world, options);
  return followGeneration(world, request, await request.send());
}

export async function prepareGeneration(world: World, options: GenerationOptions = {}): Promise<GenerationRequest> {
  const user = options.user ?? await world.newUser();
  const words = options.fal === undefined ? "" : ` [fal: ${options.fal}]`;
  const prompt = `A lighthouse, take ${crypto.randomUUID()}${words}`;
  const body = { model_id: KLING, prompt, ...options.body };
  const key = crypto.randomUUID();
  return {
    user,
    key,
    body,
    send: ({ settles = true } = {}) => world.generate(user, { key, body, settles }),
    runs: () => simulatorOf(world).requests.filter(({ input }) => input.prompt === body.prompt),
  };
}

/** The video that a request was answered with. */
export function followGeneration(world: World, request: GenerationRequest, answer: Answer): Generation {
  const jobId = String(answer.body.job_id);

  async function poll(secondsLater = NEXT_LOOK_SECONDS): Promise<Answer> {
    await world.travel(secondsLater);
    return await world.status(request.user, jobId);
  }

  async function outcome(): Promise<Answer> {
    for (let count = 0; count < MAX_POLLS; count++) {
      const polled = await poll(NEXT_ATTEMPT_SECONDS);
      if (polled.body.status === "completed" || polled.body.status === "failed") return polled;
    }
    throw new Error(`Job ${jobId} does not end:\n${world.functions.log.slice(-20).join("\n")}`);
  }

  return {
    ...request,
    answer,
    jobId,
    poll,
    outcome,
    async ledger() {
      const entries = await world.sql`select change from quota_log where job_id = ${jobId} order by id`;
      return entries.map(({ change }) => Number(change));
    },
  };
}

/** The simulator of a world that has one. */
export function simulatorOf(world: World): FalSimulator {
  assert.ok(world.falSimulator, "this world calls the real fal");
  return world.falSimulator;
}

/** Ends the newest run of a generation with a success. */
export function finishRun(world: World, generation: Generation): void {
  const run = generation.runs().at(-1);
  assert.ok(run, "the provider has not got this generation");
  simulatorOf(world).finish(run.id);
}

/** Fails unless the job was delivered and paid for exactly once, and every book balances. */
export async function assertPaidOnce(world: World, generation: Generation, end: Answer): Promise<void> {
  assert.equal(end.body.status, "completed", world.functions.log.slice(-10).join("\n"));
  assert.deepEqual([end.body.error_code, end.body.error_message, end.body.credits_refunded], [null, null, 0]);
  assert.deepEqual(await generation.ledger(), [-PRICE]);
  await world.audit();
}

/** Fails unless the job failed for this reason and was refunded exactly once, and every book balances. */
export async function assertRefundedOnce(
  world: World,
  generation: Generation,
  end: Answer,
  errorCode: string,
): Promise<void> {
  const { status, error_code, error_message, credits_used, credits_refunded, video_url } = end.body;
  assert.deepEqual({ status, error_code, video_url }, { status: "failed", error_code: errorCode, video_url: null });
  assert.ok(typeof error_message === "string" && error_message.length > 10, `no sentence: ${error_message}`);
  assert.deepEqual([credits_used, credits_refunded], [PRICE, PRICE]);
  assert.deepEqual(await generation.ledger(), [-PRICE, PRICE]);
  await world.audit();
}

/** The bytes behind an address. */
export async function download(url: unknown): Promise<Uint8Array> {
  const response = await fetch(String(url));
  const bytes = new Uint8Array(await response.arrayBuffer());
  assert.equal(response.status, 200, `${url} answered ${new TextDecoder().decode(bytes.subarray(0, 200))}`);
  return bytes;
}
