// As real_crashes_test.ts, while Storage or the provider is gone for a minute.
import assert from "node:assert/strict";
import { freePort } from "../../local/machine/free-port.ts";
import { simulatorOf } from "../support/generation.ts";
import { until, useWorld } from "../support/harness.ts";
import { assertBooks } from "./crashes/accounting.ts";
import { assertSomeAskedAgain, sendAmid, TROUBLE_LIMIT_MS } from "./crashes/amid.ts";
import { prepareOrders, providerCalls } from "./crashes/orders.ts";
import { createProviderProxy } from "./crashes/provider-proxy.ts";

const proxy = createProviderProxy(freePort(), () => simulatorOf(world).url);
const world = useWorld({ webhooks: true, functionsEnvironment: { FAL_QUEUE_URL: proxy.url } });
Deno.test.beforeAll(proxy.open);
Deno.test.afterAll(proxy.close);

/** Waits until a minute of the database's clock has passed and the condition holds. */
async function aMinute(what: string, hasHappened: () => Promise<boolean>): Promise<void> {
  const [start] = await world.sql`select private.clock() as time`;
  await until(what, async () => {
    const [now] = await world.sql`select private.clock() >= ${start?.time} + interval '1 minute' as has_passed`;
    return now?.has_passed === true && await hasHappened();
  }, TROUBLE_LIMIT_MS);
}

Deno.test("a Storage that answers 500 for a minute during 200 generations costs no user their video", async () => {
  const orders = await prepareOrders(world);
  world.gateway.clearCalls();
  await sendAmid(world, orders, async () => {
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
  await sendAmid(world, orders, async () => {
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
