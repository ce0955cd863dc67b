import assert from "node:assert/strict";
import { ENDLESS, startGeneration } from "./generation.ts";
import { type Answer, useWorld } from "./harness.ts";

const world = useWorld({ falSimulator: ENDLESS });

async function health(): Promise<Answer> {
  return await world.call("health", { method: "GET" });
}

async function mendEverything(): Promise<void> {
  await world.sql`delete from private.provider_circuits`;
  await world.sql`delete from video_jobs`;
}

Deno.test("a well project says so to anybody", async () => {
  await mendEverything();
  const { status, body } = await health();
  assert.equal(status, 200);
  assert.deepEqual(body.checks, { database: "ok", storage: "ok", providers: "ok", worker: "ok" });
});

Deno.test("each part that is down is named", async () => {
  await mendEverything();
  world.gateway.fail("/rest/v1/rpc/health", 503, 1);
  assert.deepEqual((await health()).body.checks, {
    database: "down",
    storage: "ok",
    providers: "unknown",
    worker: "unknown",
  });
  world.gateway.fail("/storage/v1/bucket", 500, 1);
  const storage = await health();
  assert.equal(storage.status, 503);
  assert.deepEqual(storage.body.checks, { database: "ok", storage: "down", providers: "ok", worker: "ok" });
});

Deno.test("an open circuit is named with its provider", async () => {
  await mendEverything();
  await world.sql`select record_provider_answer('fal', 'account_refused', gen_random_uuid())`;
  const { status, body } = await health();
  assert.deepEqual([status, body.open_circuits], [503, ["fal"]]);
});

Deno.test("jobs that nobody looks at are counted", async () => {
  await mendEverything();
  await startGeneration(world);
  await world.travel(90);
  const { status, body } = await health();
  assert.deepEqual([status, body.overdue_jobs], [503, 1]);
});
