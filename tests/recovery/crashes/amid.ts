// What the tests of real crashes and outages share.
import assert from "node:assert/strict";
import { accelerateClock } from "../../support/fast-clock.ts";
import { simulatorOf } from "../../support/generation.ts";
import { until, type World } from "../../support/harness.ts";
import { Random } from "../../simulation/runtime/random.ts";
import { recover } from "./accounting.ts";
import { isFinal, keepBusy, type Order, send } from "./orders.ts";

/** Another seed crashes at other moments: `CRASH_SEED=7`. */
const SEED = Number(Deno.env.get("CRASH_SEED") ?? 1);
export const TROUBLE_LIMIT_MS = 60_000;

/** Sends the orders while something breaks, then lets the system recover. */
export async function sendAmid(
  world: World,
  orders: readonly Order[],
  trouble: (random: Random) => Promise<void>,
): Promise<void> {
  const random = new Random(SEED);
  simulatorOf(world).configure({ queueMs: 50, runMs: 300, concurrency: 100 });
  const restoreClock = await accelerateClock(world);
  const stop = keepBusy(world, orders, random.fork());
  await Promise.all([send(orders, random.fork()), trouble(random.fork())]);
  await stop();
  await until("the database is back", () => restoreClock().then(() => true, () => false));
  await recover(world);
}

export function assertSomeAskedAgain(orders: readonly Order[]): void {
  assert.ok(orders.some(({ answers }) => answers.some((answer) => !isFinal(answer))), "no request was interrupted");
}
