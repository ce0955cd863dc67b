// GET and DELETE openv/api/videos.
import assert from "node:assert/strict";
import { z } from "zod";
import { type TestUser, useWorld } from "../support/harness.ts";
import { BODY, create, list, PRICE, WAN } from "../support/openv.ts";
import { assertRefusal } from "../support/refusal.ts";

const MOST_VIDEOS = 500;
const world = useWorld({ runpodSimulator: { queueMs: 0, runMs: 3_600_000 } });

Deno.test("a deletion names what is not there, and what the daily limit keeps", async () => {
  const user = await world.newUser(20);
  const first = await create(world, user);
  const second = await create(world, user, { ...BODY, input: { ...BODY.input, seed: 1 } });
  const jobIds = [first.body.jobId, second.body.jobId].map(String).sort();
  const other = crypto.randomUUID();
  await world.sql`update app_settings set cancels_after_start_per_day = 1`;
  try {
    const body = { jobIds: [...jobIds, other] };
    const answer = await world.call("openv/api/videos", { method: "DELETE", user, body });
    assert.deepEqual([answer.status, answer.body], [200, {
      deleted: [jobIds[0]],
      notFound: [other],
      notDeleted: [{ jobId: jobIds[1], code: "cancel_limit_reached" }],
    }]);
  } finally {
    await world.sql`update app_settings set cancels_after_start_per_day = 10`;
  }
  for (const jobIds of [[], ["x"], Array(MOST_VIDEOS + 1).fill(other), other]) {
    const answer = await world.call("openv/api/videos", { method: "DELETE", user, body: { jobIds } });
    assertRefusal(answer, { status: 400, code: "validation_failed" });
  }
  assert.equal((await list(world, user)).videos.length, 1);
});

/** A user with so many finished videos, by the procedures that make all others. */
async function userWithVideos(count: number): Promise<{ user: TestUser; ids: string[] }> {
  const user = await world.newUser(count);
  await world.sql`update app_settings set active_jobs_per_user = 10000, generations_per_hour = 10000`;
  await world.sql`update models set cost_per_generation = 1 where name = ${WAN}`;
  const rows = await world.sql`
    select answer #>> '{response,job_id}' as id,
      fail_job((answer #>> '{response,job_id}')::uuid, 1, 'timeout', 'x') is not null as ended
    from generate_series(1, ${count}::integer) as number, lateral (select start_generation(
      ${user.id}, 'many-' || number, 'hash', jsonb_build_object(
        'model_name', ${WAN}::text, 'prompt', 'A cat', 'settings', '{"num_frames": 17}'::jsonb)) as answer) as started`;
  await world.sql`update models set cost_per_generation = ${PRICE} where name = ${WAN}`;
  return { user, ids: rows.map(({ id }) => String(id)).sort() };
}

Deno.test("a video that is named five hundred times is deleted and answered once", async () => {
  const user = await world.newUser(20);
  const { body: { jobId } } = await create(world, user);
  const body = { jobIds: Array(MOST_VIDEOS).fill(jobId) };
  const answer = await world.call("openv/api/videos", { method: "DELETE", user, body });
  assert.deepEqual(answer.body, { deleted: [jobId], notFound: [] });
  assert.equal(await world.balance(user), 20);
});

Deno.test("of more videos than one answer has, Link leads to the next, and none is missed or repeated", async () => {
  const { user, ids } = await userWithVideos(MOST_VIDEOS + 2);
  for (const query of ["", "?updatedSince=0"]) {
    const first = await list(world, user, query);
    assert.equal(first.videos.length, MOST_VIDEOS);
    assert.ok(first.link);
    const second = await list(world, user, first.link);
    assert.equal(second.link, null);
    assert.deepEqual([...first.videos, ...second.videos].map(({ jobId }) => jobId).sort(), ids);
  }
  const remove = (who: TestUser, jobIds: string[]) =>
    world.call("openv/api/videos", { method: "DELETE", user: who, body: { jobIds } });
  const foreign = await remove(await world.newUser(), ids.slice(0, MOST_VIDEOS));
  assert.deepEqual(foreign.body, { deleted: [], notFound: ids.slice(0, MOST_VIDEOS) });
  const all = await remove(user, ids.slice(0, MOST_VIDEOS));
  assert.equal(z.array(z.string()).parse(all.body.deleted).length, MOST_VIDEOS);
  assert.equal((await list(world, user)).videos.length, 2);
});

for (const query of ["?updatedSince=soon", "?updatedSince=-1", "?limit=5", "?cursor=x", "?updatedSince=0&cursor=1_2"]) {
  Deno.test(`the list with ${query} is 400`, async () => {
    const answer = await world.call(`openv/api/videos${query}`, { method: "GET", user: await world.newUser() });
    assertRefusal(answer, { status: 400, code: "validation_failed" });
  });
}
