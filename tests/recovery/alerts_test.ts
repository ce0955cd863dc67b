import assert from "node:assert/strict";
import { until, useWorld } from "../support/harness.ts";

const world = useWorld();

async function alertsOf(subject: string): Promise<unknown[]> {
  const rows = await world.sql`
    select event, times, fields ->> 'function' as function from alerts where subject like ${`%${subject}%`}`;
  return rows.map(({ event, times, function: name }) => [event, times, name]);
}

Deno.test("an alert is a row as well as a line of the log, for the service role only", async () => {
  const user = await world.newUser();
  await world.sql`update credit_balances set credits_remaining = credits_remaining + 1 where user_id = ${user.id}`;
  await world.purge();
  await until("the row is written", async () => (await alertsOf(user.id)).length > 0);
  await world.sql`update credit_balances set credits_remaining = credits_remaining - 1 where user_id = ${user.id}`;
  const [[event, times, name] = []] = await alertsOf(user.id) as unknown[][];
  assert.deepEqual([event, name], ["books_do_not_balance", "advance-jobs"]);
  assert.ok(Number(times) >= 1);
  for (const token of [world.publishableKey, user.token]) {
    const response = await fetch(`${world.url}/rest/v1/alerts?select=event`, {
      headers: { apikey: world.publishableKey, Authorization: `Bearer ${token}` },
    });
    assert.ok(response.status >= 400, await response.text());
  }
});

Deno.test("alerts of a request that cannot be written are in the log, and the request goes well", async () => {
  world.gateway.fail("/rest/v1/rpc/record_alerts", 500);
  const user = await world.newUser();
  await world.sql`update credit_balances set credits_remaining = credits_remaining + 1 where user_id = ${user.id}`;
  assert.equal((await world.purge()).status, 200);
  await world.sql`update credit_balances set credits_remaining = credits_remaining - 1 where user_id = ${user.id}`;
  await until(
    "the log says so",
    () => world.functions.log.some((line) => line.includes('"alerts_not_recorded"')),
  );
  assert.ok(world.functions.log.some((line) => line.includes('"alert"') && line.includes(user.id)));
  world.gateway.clearFaults();
});

Deno.test("no row of an alert holds a token, a key or a prompt", async () => {
  const rows = JSON.stringify([...await world.sql`select * from alerts`]);
  for (const secret of [world.secretKey, world.publishableKey, "A lighthouse", "token="]) {
    assert.ok(!rows.includes(secret), secret);
  }
});
