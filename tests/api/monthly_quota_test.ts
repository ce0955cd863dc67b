import assert from "node:assert/strict";
import { INSTANT, startGeneration } from "../support/generation.ts";
import { KLING, type TestUser, useWorld } from "../support/harness.ts";

const world = useWorld({ falSimulator: INSTANT });

const ask = (user: TestUser, duration: number) =>
  world.generate(user, { body: { model_id: KLING, prompt: "A lighthouse", settings: { duration } } });

async function usedBy(user: TestUser): Promise<number[]> {
  const rows = await world.sql`select seconds from private.monthly_usage where user_id = ${user.id} order by month`;
  return rows.map(({ seconds }) => Number(seconds));
}

async function withQuota(seconds: number, work: () => Promise<void>): Promise<void> {
  await world.sql`update app_settings set seconds_per_month = ${seconds}`;
  try {
    await work();
  } finally {
    await world.sql`update app_settings set seconds_per_month = null`;
  }
}

Deno.test("without a quota seconds are counted and no request is refused", async () => {
  const user = await world.newUser();
  for (const duration of [3, 15]) assert.equal((await ask(user, duration)).status, 200);
  assert.deepEqual(await usedBy(user), [18]);
});

Deno.test("a request beyond the month's quota is refused, uncharged, with a Retry-After", async () => {
  await withQuota(20, async () => {
    const user = await world.newUser(100);
    assert.equal((await ask(user, 15)).status, 200);
    const { status, body, headers } = await ask(user, 6);
    assert.deepEqual([status, body.code, body.limit, body.used], [429, "monthly_quota_reached", 20, 15]);
    assert.equal(headers.get("x-ratelimit-remaining"), "5");
    const wait = Number(headers.get("retry-after"));
    assert.ok(wait > 0 && wait <= 31 * 86_400, `${wait}`);
    assert.equal(await world.balance(user), 85);
    assert.equal((await ask(user, 5)).status, 200);

    await world.travel(wait);
    assert.equal((await ask(user, 15)).status, 200);
    assert.deepEqual(await usedBy(user), [20, 15]);
  });
});

Deno.test("parallel requests do not get past the quota together", async () => {
  await withQuota(20, async () => {
    const user = await world.newUser(100);
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(user, 5)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 4);
    assert.deepEqual(await usedBy(user), [20]);
  });
});

Deno.test("a failed video gives its seconds back, a deleted one does not", async () => {
  const user = await world.newUser();
  const failed = await startGeneration(world, { user, fal: "content_policy" });
  assert.equal((await failed.outcome()).body.status, "failed");
  assert.deepEqual(await usedBy(user), [0]);
  const done = await startGeneration(world, { user });
  await done.outcome();
  await world.call("videos", { method: "DELETE", user, body: { job_ids: [done.jobId] } });
  assert.deepEqual(await usedBy(user), [5]);
  await world.audit();
});
