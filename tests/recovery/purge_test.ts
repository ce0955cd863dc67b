import assert from "node:assert/strict";
import { type Generation, INSTANT, startGeneration } from "../support/generation.ts";
import { COPY_LEASE_SECONDS, useWorld } from "../support/harness.ts";

const world = useWorld({ falSimulator: INSTANT });

const DAY_SECONDS = 86_400;

async function delivered(): Promise<Generation> {
  const generation = await startGeneration(world);
  assert.equal((await generation.outcome()).body.status, "completed");
  return generation;
}

async function filesOf(generation: Generation): Promise<number> {
  const [found] = await world.sql`
    select count(*) from storage.objects where bucket_id = 'videos' and name like ${`%${generation.jobId}%`}`;
  return Number(found?.count);
}

Deno.test("a purge without retention deletes expired keys and nothing else", async () => {
  const generation = await delivered();
  await world.travel(30 * DAY_SECONDS);
  const { status, body } = await world.purge();
  assert.equal(status, 200);
  assert.ok(Number(body.idempotency_keys) >= 1);
  assert.deepEqual([body.videos, body.audit_problems], [0, 0]);
  assert.equal((await generation.poll(0)).status, 200);
  assert.equal(await filesOf(generation), 1);
});

Deno.test("a video past its retention goes, file and row, while newer ones and the ledger stay", async () => {
  await world.sql`update app_settings set retention_days = 7`;
  const old = await delivered();
  await world.travel(8 * DAY_SECONDS);
  const fresh = await delivered();
  await world.purge();
  assert.equal((await old.poll(0)).status, 404);
  assert.deepEqual([await filesOf(old), await filesOf(fresh)], [0, 1]);
  assert.deepEqual(await old.ledger(), [-5]);
  assert.equal((await fresh.poll(0)).status, 200);
  await world.audit();
  await world.sql`update app_settings set retention_days = null`;
});

Deno.test("a file that Storage deletes later is deleted by a later purge", async () => {
  await world.sql`update app_settings set retention_days = 7`;
  const old = await delivered();
  await world.travel(8 * DAY_SECONDS);
  world.gateway.fail("/storage/v1/object/videos", 500);
  const first = await world.purge();
  world.gateway.clearFaults();
  assert.deepEqual([first.status, first.body.failed], [200, ["files"]]);
  assert.deepEqual([(await old.poll(0)).status, await filesOf(old)], [404, 1]);
  await world.travel(COPY_LEASE_SECONDS + 1);
  assert.deepEqual((await world.purge()).body.failed, []);
  assert.equal(await filesOf(old), 0);
  await world.sql`update app_settings set retention_days = null`;
});

Deno.test("one file that Storage never deletes does not keep the others", async () => {
  await world.sql`update app_settings set retention_days = 7`;
  const [stubborn, other] = [await delivered(), await delivered()];
  await world.sql.unsafe(`
    create function private.refuse() returns trigger language plpgsql as $$ begin raise 'stuck'; end; $$;
    create trigger refuse before delete on storage.objects
      for each row when (old.name like '%${stubborn.jobId}%') execute function private.refuse();
  `);
  await world.travel(8 * DAY_SECONDS);
  const { body } = await world.purge();
  assert.deepEqual(body.failed, []);
  assert.deepEqual([await filesOf(stubborn), await filesOf(other)], [1, 0]);
  const [left] = await world
    .sql`select refusals from private.files_to_delete where path like ${`%${stubborn.jobId}.mp4`}`;
  assert.equal(left?.refusals, 1);

  await world.travel(COPY_LEASE_SECONDS + 1);
  await world.sql`drop trigger refuse on storage.objects`;
  await world.purge();
  assert.equal(await filesOf(stubborn), 0);
  await world.sql`update app_settings set retention_days = null`;
});

for (const [task, procedure] of [["audit_problems", "audit_recent"], ["idempotency_keys", "purge_expired"]] as const) {
  Deno.test(`when ${task} fails, the other tasks of the purge go on, and the log says so`, async () => {
    await world.sql`update app_settings set retention_days = 7`;
    const old = await delivered();
    await world.travel(8 * DAY_SECONDS);
    world.gateway.fail(`/rest/v1/rpc/${procedure}`, 500);
    const { status, body } = await world.purge();
    world.gateway.clearFaults();
    assert.deepEqual([status, body.failed, body[task]], [200, [task], undefined]);
    assert.deepEqual([(await old.poll(0)).status, await filesOf(old)], [404, 0]);
    const line = world.functions.log.map((text) => JSON.parse(text)).findLast(({ event }) =>
      event === "purge_task_failed"
    );
    assert.deepEqual([line?.level, line?.task], ["error", task]);
    await world.sql`update app_settings set retention_days = null`;
  });
}

Deno.test("a file that a dying worker wrote after a deletion is deleted by the next purge", async () => {
  const running = await startGeneration(world, { fal: "run=1h" });
  const path = `${running.user.id}/${running.jobId}.mp4`;
  const deletion = await world.call("videos", {
    method: "DELETE",
    user: running.user,
    body: { job_ids: [running.jobId] },
  });
  assert.deepEqual(deletion.body, { deleted: [running.jobId], not_found: [] });
  const written = await fetch(`${world.url}/storage/v1/object/videos/${path}`, {
    method: "POST",
    headers: { apikey: world.secretKey, Authorization: `Bearer ${world.secretKey}`, "Content-Type": "video/mp4" },
    body: "a film",
  });
  assert.equal(written.status, 200, await written.text());
  assert.equal(await filesOf(running), 1);
  await world.travel(COPY_LEASE_SECONDS + 1);
  assert.equal((await world.purge()).status, 200);
  assert.equal(await filesOf(running), 0);
});

Deno.test("a purge that finds the books out of balance raises an alert", async () => {
  const user = await world.newUser();
  await world.sql`update credit_balances set credits_remaining = credits_remaining + 1 where user_id = ${user.id}`;
  assert.equal((await world.purge()).body.audit_problems, 1);
  const alert = world.functions.log.map((line) => JSON.parse(line)).find(({ level }) => level === "alert");
  assert.deepEqual([alert?.event, alert?.problem, alert?.user_id], [
    "books_do_not_balance",
    "balance_differs_from_ledger",
    user.id,
  ]);
  await world.sql`update credit_balances set credits_remaining = credits_remaining - 1 where user_id = ${user.id}`;
});

Deno.test("an unknown task is refused by name", async () => {
  const { status, body } = await world.call("advance-jobs", {
    headers: { apikey: world.secretKey },
    body: { task: "x" },
  });
  assert.deepEqual([status, body.code], [400, "validation_failed"]);
});
