// Two hundred generations of twenty users while processes are killed with SIGKILL. After the recovery every user has paid
// once for each video, and for nothing else.
import assert from "node:assert/strict";
import { until, useWorld } from "../support/harness.ts";
import { assertBooks } from "./crashes/accounting.ts";
import { assertSomeAskedAgain, sendAmid, TROUBLE_LIMIT_MS } from "./crashes/amid.ts";
import { isFinal, type Order, prepareOrders, providerCalls } from "./crashes/orders.ts";
import type { Random } from "../simulation/runtime/random.ts";

/** A few less than the provider calls that two hundred orders make at least. */
const CALLS = 700;

const world = useWorld({ webhooks: true });

/** Strikes at random moments of the work on the orders: first while they are being sent, then at any time. */
function strikes(
  orders: readonly Order[],
  times: number,
  strike: () => Promise<void>,
): (random: Random) => Promise<void> {
  return async (random) => {
    const before = providerCalls(world);
    const moments = Array.from({ length: times - 1 }, () => before + random.whole(20, CALLS)).toSorted((a, b) => a - b);
    const answered = random.whole(20, 120);
    const answers = () => orders.filter((order) => order.answers.some(isFinal)).length;
    await until(`answer ${answered}`, () => answers() >= answered, TROUBLE_LIMIT_MS);
    await strike();
    for (const moment of moments) {
      await until(`call ${moment}`, () => providerCalls(world) >= moment, TROUBLE_LIMIT_MS);
      await strike();
    }
  };
}

Deno.test("functions killed five times during 200 generations: each is paid once, or refunded once", async () => {
  const orders = await prepareOrders(world);
  await sendAmid(
    world,
    orders,
    strikes(orders, 5, async () => {
      await world.functions.kill();
      await world.functions.restart();
    }),
  );
  assertSomeAskedAgain(orders);
  await assertBooks(world, orders);
});

Deno.test("Postgres killed twice during 200 generations: what was committed is there, and each is paid once, or refunded once", async () => {
  const { postgres } = world;
  assert.ok(postgres, "a database that the test did not start must not be killed");
  const orders = await prepareOrders(world);
  await sendAmid(
    world,
    orders,
    strikes(orders, 2, async () => {
      postgres.kill();
      await postgres.restart();
    }),
  );
  assertSomeAskedAgain(orders);
  await assertBooks(world, orders);
});
