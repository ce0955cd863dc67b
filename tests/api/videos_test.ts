import assert from "node:assert/strict";
import { z } from "zod";
import { assertChangesNothing } from "../support/table-dump.ts";
import { finishRun, type Generation, INSTANT, startGeneration } from "../support/generation.ts";
import { type Answer, COPY_LEASE_SECONDS, LIGHTHOUSE, type TestUser, useWorld } from "../support/harness.ts";

const world = useWorld({ falSimulator: { ...INSTANT, runMs: 3_600_000 } });

const pageSchema = z.object({
  videos: z.array(z.record(z.string(), z.unknown())),
  next_cursor: z.string().nullable(),
  server_time: z.string(),
  server_time_ms: z.number(),
  deletions_since: z.string().optional(),
});

async function list(user: TestUser, query = ""): Promise<z.infer<typeof pageSchema>> {
  const { status, body } = await world.call(`videos${query}`, { method: "GET", user });
  assert.equal(status, 200, JSON.stringify(body));
  return pageSchema.parse(body);
}

function remove(user: TestUser, body: unknown): Promise<Answer> {
  return world.call("videos", { method: "DELETE", user, body });
}

async function delivered(user: TestUser): Promise<Generation> {
  const generation = await startGeneration(world, { user });
  finishRun(world, generation);
  assert.equal((await generation.outcome()).body.status, "completed");
  return generation;
}

Deno.test("a node's videos are listed alone, newest first", async () => {
  const user = await world.newUser();
  const first = await startGeneration(world, { user, body: { node_id: "node 1/ü" } });
  const second = await startGeneration(world, { user, body: { node_id: "node 1/ü" } });
  await startGeneration(world, { user, body: { node_id: "node 2" } });
  await startGeneration(world, { body: { node_id: "node 1/ü" } });
  const { videos } = await list(user, "?node_id=node+1%2F%C3%BC");
  assert.deepEqual(videos.map(({ job_id, node_id }) => [job_id, node_id]), [
    [second.jobId, "node 1/ü"],
    [first.jobId, "node 1/ü"],
  ]);
  assert.deepEqual((await list(user, "?node_id=nowhere")).videos, []);
});

Deno.test("node_id and updated_since cannot be combined", async () => {
  const { status, body } = await world.call("videos?node_id=a&updated_since=0", {
    method: "GET",
    user: await world.newUser(),
  });
  assert.deepEqual([status, body.issues], [400, [
    { path: "node_id", message: "must not be sent together with updated_since" },
  ]]);
});

Deno.test("a user's videos are listed newest first, a page at a time, each as its status shows it", async () => {
  const user = await world.newUser();
  const first = await delivered(user);
  const second = await startGeneration(world, { user });
  const third = await startGeneration(world, { user });
  await startGeneration(world);

  const page = await list(user, "?limit=2");
  assert.deepEqual(page.videos.map((video) => video.job_id), [third.jobId, second.jobId]);
  const rest = await list(user, `?limit=2&cursor=${page.next_cursor}`);
  assert.deepEqual(rest.videos.map((video) => video.job_id), [first.jobId]);
  assert.equal(rest.next_cursor, null);

  const [shown] = rest.videos;
  const status = (await first.poll(0)).body;
  assert.deepEqual({ ...shown, video_url: "" }, { ...status, video_url: "" });
  assert.equal((await fetch(String(shown?.video_url))).status, 200);
});

Deno.test("videos can be listed by their status", async () => {
  const user = await world.newUser();
  const done = await delivered(user);
  await startGeneration(world, { user });
  assert.deepEqual((await list(user, "?status=completed")).videos.map((video) => video.job_id), [done.jobId]);
  assert.deepEqual((await list(user, "?status=failed")).videos, []);
});

Deno.test("a list of many finished videos asks Storage once for all their URLs", async () => {
  const user = await world.newUser();
  for (let count = 0; count < 3; count++) await delivered(user);
  // A new instance has no URLs yet.
  await world.functions.restart();
  world.gateway.clearCalls();
  assert.equal((await list(user)).videos.length, 3);
  const upstream = world.gateway.calls.filter(({ path }) => /^\/(rest|storage)\//.test(path));
  assert.deepEqual(upstream.map(({ path }) => path), [
    "/rest/v1/rpc/list_videos",
    "/storage/v1/object/sign/videos",
  ]);
});

Deno.test("a client that merges the changes since its last list misses nothing and sees deletions", async () => {
  const user = await world.newUser();
  const generation = await startGeneration(world, { user });
  const gone = await startGeneration(world, { user });
  await world.travel(1);
  const before = await list(user);
  assert.deepEqual((await list(user, `?updated_since=${before.server_time_ms}`)).videos, []);

  finishRun(world, generation);
  await generation.outcome();
  await remove(user, { job_ids: [gone.jobId] });
  await world.travel(1);
  const changes = await list(user, `?updatedSince=${before.server_time_ms}`);
  for (const iso of [before.server_time, before.server_time.replace("Z", "+00:00")]) {
    const again = await list(user, `?updated_since=${iso}`);
    // A signed URL contains the second in which it was signed.
    const lasting = (videos: typeof again.videos) => videos.map(({ video_url: _, thumbnail_url: __, ...rest }) => rest);
    assert.deepEqual(lasting(again.videos), lasting(changes.videos), iso);
  }
  assert.deepEqual(changes.videos.map(({ job_id, status }) => [job_id, status]), [
    [generation.jobId, "completed"],
    [gone.jobId, undefined],
  ]);
  assert.match(String(changes.videos[1]?.deleted_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(new Date(changes.server_time).getTime(), changes.server_time_ms);
});

Deno.test("a client that was away for longer than deletions are kept gets the time since when they are", async () => {
  const user = await world.newUser();
  const { jobId } = await startGeneration(world, { user });
  await remove(user, { job_ids: [jobId] });
  await world.travel(179 * 86_400);
  await world.purge();
  const before = await list(user, "?updated_since=0");
  assert.deepEqual(before.videos.map(({ job_id }) => job_id), [jobId]);
  await world.travel(3 * 86_400);
  const { body } = await world.purge();
  assert.ok(Number(body.tombstones) >= 1);
  const { videos, server_time_ms, deletions_since } = await list(user, "?updated_since=0");
  assert.deepEqual(videos, []);
  const days = (server_time_ms - Date.parse(String(deletions_since))) / 86_400_000;
  assert.ok(days > 179.9 && days <= 180, `${days} days`);
  assert.equal((await list(user)).deletions_since, undefined);
});

Deno.test("while jobs change at random, pages of changes merge to exactly what is in the table", async () => {
  const user = await world.newUser(1000);
  await world.sql`update app_settings set active_jobs_per_user = 1000, generations_per_hour = 10000`;
  const merged = new Map<string, unknown>();
  let since = 0;
  let writing = true;

  async function write(): Promise<void> {
    for (let count = 0; count < 60; count++) {
      const [row] = await world.sql`
        select start_generation(${user.id}, ${crypto.randomUUID()}, 'hash', ${world.sql.json(LIGHTHOUSE)})
        #>> '{leased_job,job_id}' as job`;
      const job = String(row?.job);
      const dice = Math.random();
      if (dice < 0.5) await world.sql`select record_submission(${job}, 1, ${job})`;
      if (dice < 0.3) await world.sql`select fail_job(${job}, 1, 'timeout', 'x')`;
      if (dice > 0.8) await world.sql`select delete_videos(${user.id}, ${[job]}::uuid[])`;
    }
  }
  async function read(): Promise<void> {
    let cursor = "";
    do {
      const page = await list(user, `?limit=7&updated_since=${since}${cursor}`);
      for (const video of page.videos) {
        if ("deleted_at" in video) merged.delete(String(video.job_id));
        else merged.set(String(video.job_id), video.status);
      }
      cursor = page.next_cursor === null ? "" : `&cursor=${page.next_cursor}`;
      if (cursor === "") since = page.server_time_ms;
    } while (cursor !== "");
  }
  const writers = Promise.all(Array.from({ length: 4 }, write)).finally(() => writing = false);
  while (writing) await read();
  await writers;
  await world.travel(1);
  await read();

  const rows = await world.sql`select job_id, status from video_jobs where user_id = ${user.id}`;
  assert.ok(rows.length > 50);
  assert.deepEqual(
    [...merged].sort(),
    rows.map(({ job_id, status }) => [String(job_id), String(status)]).sort(),
  );
  await world.audit();
});

Deno.test("deleting is whole: row, file and run at the provider go, and what was not delivered is refunded", async () => {
  const user = await world.newUser(100);
  const done = await delivered(user);
  const running = await startGeneration(world, { user });
  const { status, body } = await remove(user, { job_ids: [done.jobId, running.jobId] });
  assert.equal(status, 200);
  assert.deepEqual([...z.array(z.string()).parse(body.deleted)].sort(), [done.jobId, running.jobId].sort());
  assert.deepEqual(body.not_found, []);

  assert.equal((await done.poll(0)).status, 404);
  assert.equal((await world.sql`select from video_jobs where user_id = ${user.id}`).length, 0);
  assert.equal((await world.sql`select from storage.objects where name like ${`${user.id}/%`}`).length, 0);
  await world.functions.rest();
  assert.ok(running.runs()[0]?.cancelled, "the run was not cancelled at the provider");
  assert.deepEqual([await done.ledger(), await running.ledger()], [[-5], [-5, 5]]);
  await world.audit();
});

Deno.test("deleting again, or with the field name jobIds, is safe", async () => {
  const user = await world.newUser();
  const done = await delivered(user);
  await remove(user, { jobIds: [done.jobId] });
  const again = await remove(user, { jobIds: [done.jobId] });
  assert.deepEqual([again.status, again.body], [200, { deleted: [done.jobId], not_found: [] }]);
});

Deno.test("a file that could not be deleted is deleted by the next purge", async () => {
  const user = await world.newUser();
  const done = await delivered(user);
  world.gateway.fail("/storage/v1/object/videos", 500, 1);
  assert.equal((await remove(user, { job_ids: [done.jobId] })).status, 200);
  const files = () => world.sql`select from storage.objects where name like ${`${user.id}/%`}`;
  assert.equal((await files()).length, 1);
  await world.travel(COPY_LEASE_SECONDS + 1);
  await world.purge();
  assert.equal((await files()).length, 0);
});

Deno.test("another user's video is not deleted, and is answered as an unknown id", async () => {
  const done = await delivered(await world.newUser());
  const stranger = await world.newUser();
  const none = crypto.randomUUID();
  await assertChangesNothing(world, async () => {
    const { body } = await remove(stranger, { job_ids: [done.jobId, none] });
    assert.deepEqual(body.deleted, []);
    assert.deepEqual([...z.array(z.string()).parse(body.not_found)].sort(), [done.jobId, none].sort());
  });
});

Deno.test("each wrong field is named", async () => {
  const user = await world.newUser();
  for (
    const query of [
      "?limit=0",
      "?limit=101",
      "?limit=x",
      "?status=done",
      "?cursor=x",
      `?cursor=1_${"-".repeat(36)}`,
      `?cursor=1_${"0".repeat(36)}`,
      `?cursor=999999999999999999_${crypto.randomUUID()}`,
      `?updated_since=0&cursor=1_${crypto.randomUUID()}_999999999999999`,
      "?updated_since=x",
      "?updated_since=-1",
      "?updated_since=2026-11-21T10:00:00",
      "?updated_since=2026-11-21",
      "?colour=red",
    ]
  ) {
    const { status, body } = await world.call(`videos${query}`, { method: "GET", user });
    assert.deepEqual([status, body.code], [400, "validation_failed"], query);
  }
  for (const body of [{}, { job_ids: [] }, { job_ids: ["x"] }, { job_ids: Array(101).fill(crypto.randomUUID()) }]) {
    assert.equal((await remove(user, body)).status, 400, JSON.stringify(body).slice(0, 60));
  }
  assert.equal((await world.call("videos", { method: "POST", user, body: {} })).status, 405);
  assert.equal((await world.call("videos", { method: "GET" })).status, 401);
});
