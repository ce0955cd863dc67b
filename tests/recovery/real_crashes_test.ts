// Two hundred generations of twenty users while something really breaks: processes killed with SIGKILL, Storage or the
// provider gone for a minute. After the recovery every user has paid once for each video, and for nothing else.
import assert from "node:assert/strict";
import { freePort } from "../../local/machine/free-port.ts";
import { assertBooks, recover } from "./crashes/accounting.ts";
import { accelerateClock } from "../support/fast-clock.ts";
import { isFinal, keepBusy, type Order, prepareOrders, providerCalls, send } from "./crashes/orders.ts";
import { createProviderProxy } from "./crashes/provider-proxy.ts";
import { simulatorOf } from "../support/generation.ts";
import { until, useWorld } from "../support/harness.ts";
import { Random } from "../simulation/runtime/random.ts";

/** Another seed crashes at other moments: `CRASH_SEED=7`. */
const SEED = Number(Deno.env.get("CRASH_SEED") ?? 1);
/** A few less than the provider calls that two hundred orders make at least. */
const CALLS = 700;
const TROUBLE_LIMIT_MS = 60_000;

const proxy = createProviderProxy(freePort(), () => simulatorOf(world).url);
const world = useWorld({ webhooks: true, functionsEnvironment: { FAL_QUEUE_URL: proxy.url } });
Deno.test.beforeAll(proxy.open);
Deno.test.afterAll(proxy.close);

/** Sends the orders while something breaks, then lets the system recover. */
async function sendAmid(orders: readonly Order[], trouble: (random: Random) => Promise<void>): Promise<void> {
  const random = new Random(SEED);
  simulatorOf(world).configure({ queueMs: 50, runMs: 300, concurrency: 100 });
  const restoreClock = await accelerateClock(world);
  const stop = keepBusy(world, orders, random.fork());
  await Promise.all([send(orders, random.fork()), trouble(random.fork())]);
  await stop();
  await until("the database is back", () => restoreClock().then(() => true, () => false));
  await recover(world);
}

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

/** Waits until a minute of the database's clock has passed and the condition holds. */
async function aMinute(what: string, hasHappened: () => Promise<boolean>): Promise<void> {
  const [start] = await world.sql`select private.clock() as time`;
  await until(what, async () => {
    const [now] = await world.sql`select private.clock() >= ${start?.time} + interval '1 minute' as has_passed`;
    return now?.has_passed === true && await hasHappened();
  }, TROUBLE_LIMIT_MS);
}

function assertSomeAskedAgain(orders: readonly Order[]): void {
  assert.ok(orders.some(({ answers }) => answers.some((answer) => !isFinal(answer))), "no request was interrupted");
}

Deno.test("functions killed five times during 200 generations: each is paid once, or refunded once", async () => {
  const orders = await prepareOrders(world);
  await sendAmid(
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
    orders,
    strikes(orders, 2, async () => {
      postgres.kill();
      await postgres.restart();
    }),
  );
  assertSomeAskedAgain(orders);
  await assertBooks(world, orders);
});

Deno.test("a Storage that answers 500 for a minute during 200 generations costs no user their video", async () => {
  const orders = await prepareOrders(world);
  world.gateway.clearCalls();
  await sendAmid(orders, async () => {
    world.gateway.fail("/storage/v1/", 500);
    await aMinute("videos are delivered from the provider's own address", async () => {
      const [jobs] = await world.sql`
        select count(*)::integer as count from video_jobs where status = 'completed' and video_url is not null`;
      return jobs?.count > 20;
    });
    world.gateway.clearFaults();
  });
  const refused = world.gateway.calls.filter(({ path, status }) => path.startsWith("/storage/v1/") && status === 500);
  assert.ok(refused.length > 20, `only ${refused.length} requests met the trouble`);
  await assertBooks(world, orders);
});

Deno.test("a provider out of reach for a minute during 200 generations: what was refused is refunded, the rest delivered", async () => {
  const orders = await prepareOrders(world);
  await world.sql`update app_settings set circuit_failures = 5`;
  await sendAmid(orders, async () => {
    const before = providerCalls(world);
    await until("some runs are under way", () => providerCalls(world) - before > 150, TROUBLE_LIMIT_MS);
    await proxy.close();
    await aMinute("checks have failed and new requests are refused", () => {
      const events = ["check_failed", "submission_refused", "circuit_opened"];
      const log = world.functions.log.join("\n");
      return Promise.resolve(events.every((event) => log.includes(`"${event}"`)));
    });
    await proxy.open();
  });
  await world.sql`update app_settings set circuit_failures = 1000`;
  assertSomeAskedAgain(orders);
  await assertBooks(world, orders, ["provider_unreachable"]);
});
