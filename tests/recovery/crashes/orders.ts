import assert from "node:assert/strict";
import { type GenerationRequest, prepareGeneration, PRICE, simulatorOf } from "../../support/generation.ts";
import type { Answer, World } from "../../support/harness.ts";
import type { Random } from "../../simulation/runtime/random.ts";

/** A video that somebody asks for, and all that they were told about it. */
export interface Order extends GenerationRequest {
  /** How it must end, whatever breaks meanwhile. */
  end: "completed" | "failed";
  /** Every answer to its key, oldest first. */
  answers: Answer[];
  /** The states that polls told, oldest first. */
  polled: string[];
}

/** What each user asks for: most go well; of some the webhook is lost, the run fails, or the submission is unheard. */
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

/** How long an app asks again before its user gives up. */
const ANSWER_LIMIT_MS = 60_000;
/** How often an answer is lost on its way to the phone, and asked for again. */
const LOST_ANSWERS = 0.1;

/** Sends the orders: each user one after the other, all users at once. */
export async function send(orders: readonly Order[], random: Random): Promise<void> {
  const users = Map.groupBy(orders, ({ user }) => user.id).values();
  await Promise.all(Array.from(users, async (own) => {
    const app = random.fork();
    for (const order of own) await sendUntilAnswered(order, app);
  }));
}

/** Asks as a good app does: with the same key until there is an answer. */
async function sendUntilAnswered(order: Order, random: Random): Promise<void> {
  const end = performance.now() + ANSWER_LIMIT_MS;
  while (performance.now() < end) {
    // A connection that broke is asked again like an answer of a gateway.
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
 * The worker is called and users look at their videos, over and over until the answer is called. What fails now is done
 * again with the next beat.
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

/** The job that an order was answered with; each of its answers must name the same. */
export function jobOf({ answers }: Order): string {
  const jobs = new Set(answers.filter(isFinal).map(({ body }) => body.job_id));
  assert.equal(jobs.size, 1, `one key, these jobs: ${[...jobs]}`);
  return String([...jobs][0]);
}

/** Fails unless all that the user was told is true of one charge. */
export function assertConsistentAnswers(order: Order): void {
  const final = order.answers.filter(isFinal);
  // A request may fail, and be refunded, after another with its key was told that it had begun.
  for (const status of [200, 500]) {
    const [first, ...others] = final.filter((answer) => answer.status === status);
    for (const other of others) assert.deepEqual(other.body, first?.body);
  }
  for (const { body } of order.answers.filter((answer) => !isFinal(answer))) {
    // Without a code it is the gateway's.
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

/** How often the provider was called: it grows with the work that was done. */
export function providerCalls(world: World): number {
  const { submissions, requests } = simulatorOf(world);
  return requests.reduce((sum, { calls }) => sum + calls.status + calls.result + calls.file, submissions);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
