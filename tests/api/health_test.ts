import assert from "node:assert/strict";
import { ENDLESS, startGeneration } from "../support/generation.ts";
import { type Answer, useWorld } from "../support/harness.ts";

const world = useWorld({ falSimulator: ENDLESS });

/** A check made now. */
async function health(): Promise<Answer> {
  return await world.call("health", { method: "GET", headers: { apikey: world.secretKey } });
}

/** The calls that the functions made for their health checks. */
async function callsOf(work: () => Promise<unknown>): Promise<string[]> {
  world.gateway.clearCalls();
  await work();
  return world.gateway.calls.filter(({ path }) => /^\/(rest|storage)\//.test(path)).map(({ path }) => path).sort();
}

const ONE_CHECK = ["/rest/v1/rpc/health", "/storage/v1/object/videos/health/probe.vtt"];

async function mendEverything(): Promise<void> {
  await world.sql`delete from private.provider_circuits`;
  await world.sql`delete from video_jobs`;
}

Deno.test("health needs no token: all parts are up", async () => {
  await mendEverything();
  const { status, body } = await health();
  assert.equal(status, 200);
  assert.deepEqual(body.checks, { database: "ok", storage: "ok", providers: "ok", worker: "ok" });
});

Deno.test("the steps whose provider has no key are named, as long as they are available", async () => {
  await mendEverything();
  const withoutKey = async () => (await health()).body.steps_without_key;
  assert.deepEqual(await withoutKey(), []);
  await world
    .sql`insert into pipeline_tools (step, provider, provider_model_id, input) values ('mix', 'nobody', 'm', '{}')`;
  await world.sql`update pipeline_steps set provider = 'nobody' where name = 'mix'`;
  assert.deepEqual(await withoutKey(), ["mix"]);
  await world.sql`update pipeline_steps set is_available = false where name = 'mix'`;
  const switchedOff = await health();
  assert.deepEqual([switchedOff.status, switchedOff.body.steps_without_key], [200, []]);
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
  world.gateway.fail("/storage/v1/object/videos/health", 500, 1);
  const storage = await health();
  assert.equal(storage.status, 503);
  assert.deepEqual(storage.body.checks, { database: "ok", storage: "down", providers: "ok", worker: "ok" });
});

Deno.test("many callers at once cost one check, which all of them wait for", async () => {
  await mendEverything();
  // A new instance has no check of other tests.
  await world.functions.restart();
  const anybody = () => world.call("health", { method: "GET" });
  const calls = await callsOf(async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, anybody));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    const later = await world.call("health", { method: "GET", headers: { apikey: world.publishableKey } });
    assert.equal(later.body.checked_at, answers[0]?.body.checked_at);
  });
  assert.deepEqual(calls, ONE_CHECK);
  assert.deepEqual(await callsOf(health), ONE_CHECK, "the operator gets a new one");
});

Deno.test("a Storage that can be read but not written is down", async () => {
  await mendEverything();
  await world.sql.unsafe(`
    create function private.full() returns trigger language plpgsql as $$ begin raise 'No space left on device'; end; $$;
    create trigger full_table before update on private.heartbeat for each row execute function private.full();
    create trigger full_files before insert or update on storage.objects for each row execute function private.full();
  `);
  await world.travel(10);
  const { status, body } = await health();
  await world.sql`drop trigger full_table on private.heartbeat`;
  await world.sql`drop trigger full_files on storage.objects`;
  assert.deepEqual([status, body.checks], [503, {
    database: "down",
    storage: "down",
    providers: "unknown",
    worker: "unknown",
  }]);
  const written = await world
    .sql`update private.heartbeat set beat_at = private.clock() - interval '1 second' returning *`;
  await health();
  assert.deepEqual(
    [...await world.sql`select * from private.heartbeat`],
    [...written],
    "it is not written all the time",
  );
});

Deno.test("HEAD is answered as GET is, without a body, wherever GET is", async () => {
  await mendEverything();
  const head = await world.call("health", { method: "HEAD", headers: { apikey: world.secretKey } });
  assert.deepEqual([head.status, head.body], [200, {}]);
  assert.equal(head.headers.get("content-type"), "application/json");
  const user = await world.newUser();
  assert.equal((await world.call("videos", { method: "HEAD", user })).status, 200);
  assert.equal((await world.call("videos", { method: "HEAD" })).status, 401);
  assert.equal((await world.call("generate-video", { method: "HEAD", user })).status, 405);
});

Deno.test("an open circuit is named with its provider", async () => {
  await mendEverything();
  await world.sql`select record_provider_answer('fal', 'account_refused', gen_random_uuid())`;
  const { status, body } = await health();
  assert.deepEqual([status, body.open_circuits], [503, ["fal"]]);
});

Deno.test("jobs that no worker checks are counted", async () => {
  await mendEverything();
  await startGeneration(world);
  await world.travel(90);
  const { status, body } = await health();
  assert.deepEqual([status, body.overdue_jobs], [503, 1]);
});
