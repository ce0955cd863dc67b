import assert from "node:assert/strict";
import { type GenerationRequest, prepareGeneration, PRICE, simulatorOf } from "../../support/generation.ts";
import type { Answer, World } from "../../support/harness.ts";
import type { Random } from "../../simulation/runtime/random.ts";

/** A video that a user orders, and all answers about it. */
export interface Order extends GenerationRequest {
  /** How it must end, whatever breaks meanwhile. */
  end: "completed" | "failed";
  /** Every answer to its key, oldest first. */
  answers: Answer[];
  /** The states that polls answered, oldest first. */
  polled: string[];
}

/** The orders of each user. Most go well; of some the webhook is lost, the run fails, or the submission's answer is lost. */
const ORDERS_OF_A_USER: { fal?: string; end: Order["end"] }[] = [
  { end: "completed" },
  { end: "completed", fal: "webhook_none" },
  { end: "failed", fal: "content_policy" },
  { end: "completed" },
  { end: "completed", fal: "submit_drop_after times=1" },
  { end: "completed", fal: "internal_server_error times=1" },
  { end: "completed", fal: "webhook_none" },
  { end: "failed", fal: "content_policy webhook_none" },
  { end: "completed", fal: "webhook_copies=2" },
  { end: "completed" },
];
const USERS = 20;
export const CREDITS = 100;

/** Two hundred orders of twenty new users, not yet sent. */
export async function prepareOrders(world: World): Promise<Order[]> {
  const users = await Promise.all(Array.from({ length: USERS }, () => world.newUser(CREDITS)));
  const orders = users.flatMap((user) =>
    ORDERS_OF_A_USER.map(async ({ end, ...options }) => ({
      ...await prepareGeneration(world, { user, ...options }),
      end,
      answers: [],
      polled: [],
    }))
  );
  return await Promise.all(orders);
}

/** How long an app repeats its request. */
const ANSWER_LIMIT_MS = 60_000;
/** The part of the answers that are lost on their way to the app, which then repeats the request. */
const LOST_ANSWERS = 0.1;

/** Sends the orders: each user one after the other, all users at once. */
export async function send(orders: readonly Order[], random: Random): Promise<void> {
  const users = Map.groupBy(orders, ({ user }) => user.id).values();
  await Promise.all(Array.from(users, async (own) => {
    const app = random.fork();
    for (const order of own) await sendUntilAnswered(order, app);
  }));
}

/** Repeats the request with the same key until it is answered. */
async function sendUntilAnswered(order: Order, random: Random): Promise<void> {
  const end = performance.now() + ANSWER_LIMIT_MS;
  while (performance.now() < end) {
    // After a broken connection the request is repeated, as after an error of the gateway.
    const answer = await order.send().catch(() => null);
    if (answer !== null) order.answers.push(answer);
    if (answer !== null && isFinal(answer) && !random.chance(LOST_ANSWERS)) return;
    await pause(random.between(50, 250));
  }
  throw new Error(`Key ${order.key} got no answer: ${JSON.stringify(order.answers.at(-1)?.body)}`);
}

export function isFinal({ status, body }: Answer): boolean {
  return status === 200 || body.code === "provider_failed" || (status >= 400 && status < 500);
}

const PAUSE_MS = 60;

/**
 * Calls the worker and polls videos over and over, until the returned function is called. After a failure the next round
 * tries again.
 */
export function keepBusy(world: World, orders: readonly Order[], random: Random): () => Promise<void> {
  let stopped = false;
  async function repeat(work: () => Promise<unknown>): Promise<void> {
    while (!stopped) {
      await work().catch(() => {});
      await pause(PAUSE_MS);
    }
  }
  const loops = [repeat(() => world.tick()), repeat(() => poll(world, orders, random))];
  return async () => {
    stopped = true;
    await Promise.all(loops);
  };
}

async function poll(world: World, orders: readonly Order[], random: Random): Promise<void> {
  const order = random.maybe(orders.filter(({ answers }) => answers.some(({ status }) => status === 200)));
  if (order === undefined) return;
  const { status, body } = await world.status(order.user, jobOf(order));
  if (status === 200) order.polled.push(String(body.status));
  else if (status < 500) order.polled.push(`refused with ${status}`);
}

/** The job of an order. All answers to its key must name the same job. */
export function jobOf({ answers }: Order): string {
  const jobs = new Set(answers.filter(isFinal).map(({ body }) => body.job_id));
  assert.equal(jobs.size, 1, `one key, these jobs: ${[...jobs]}`);
  return String([...jobs][0]);
}

/** Fails unless all answers to the user agree with one charge. */
export function assertConsistentAnswers(order: Order): void {
  const final = order.answers.filter(isFinal);
  // A request may fail and be refunded after another request with its key was answered 200.
  for (const status of [200, 500]) {
    const [first, ...others] = final.filter((answer) => answer.status === status);
    for (const other of others) assert.deepEqual(other.body, first?.body);
  }
  for (const { body } of order.answers.filter((answer) => !isFinal(answer))) {
    // An answer without a code comes from the gateway.
    assert.match(String(body.code), /^(undefined|unavailable|provider_unavailable)$/);
  }
  for (const { status, body } of final) {
    assert.ok(status === 200 || status === 500, JSON.stringify(body));
    assert.equal(status === 200 ? body.credits_used : body.credits_refunded, PRICE);
  }
  const end = order.polled.findIndex((status) => status === "completed" || status === "failed");
  if (end !== -1) assert.deepEqual(new Set(order.polled.slice(end)).size, 1, `a finished job changed: ${order.polled}`);
  for (const status of order.polled) assert.match(status, /^(pending|processing|completed|failed)$/);
}

/** How often the provider was called: a measure of the work that was done. */
export function providerCalls(world: World): number {
  const { submissions, requests } = simulatorOf(world);
  return requests.reduce((sum, { calls }) => sum + calls.status + calls.result + calls.file, submissions);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
