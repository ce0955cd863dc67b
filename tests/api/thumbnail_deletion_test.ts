// A thumbnail that is under way when its video or its user is deleted: nothing of it is left, and its run is stopped.
import assert from "node:assert/strict";
import { INSTANT, simulatorOf, startGeneration } from "../support/generation.ts";
import { until, useWorld } from "../support/harness.ts";
import { delivered, frameAskedFor, framesOf, openThumbnails } from "../support/thumbnail.ts";
import { assertNothingLeft, ENDPOINTS } from "../support/transition.ts";

const GOOGLES_VEO = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000a";

const world = useWorld({ falSimulator: INSTANT, veoSimulator: { runMs: 0 } });

Deno.test.beforeAll(async () => {
  await world.sql`update pipeline_steps set is_available = true where name = 'thumbnail'`;
});
Deno.test.beforeEach(() => simulatorOf(world).clear());

for (const model_id of [GOOGLES_VEO, undefined]) {
  for (const path of ["videos", "account"]) {
    Deno.test(`DELETE /${path} while a frame of ${model_id ?? "fal"} is taken leaves no file, and stops its run`, async () => {
      simulatorOf(world).script({ endpoint: ENDPOINTS.frame }, { outcome: "hang" });
      const generation = await startGeneration(world, { body: model_id === undefined ? {} : { model_id } });
      await delivered(generation);
      await frameAskedFor(world);
      const ledger = await generation.ledger();
      const body = path === "videos" ? { job_ids: [generation.jobId] } : undefined;
      assert.equal((await world.call(path, { method: "DELETE", user: generation.user, body })).status, 200);
      await world.tick();
      assert.equal(framesOf(world)[0]?.cancelled, true);
      await assertNothingLeft(world, generation.jobId);
      assert.equal(await openThumbnails(world), 0);
      assert.deepEqual(await generation.ledger(), ledger, "what was delivered is not refunded");
      await world.audit();
    });

    Deno.test(`a picture of ${model_id ?? "fal"} that is being copied when DELETE /${path} comes is deleted once it is there`, async () => {
      const generation = await startGeneration(world, { body: model_id === undefined ? {} : { model_id } });
      await delivered(generation);
      await frameAskedFor(world);
      await world.sql.unsafe(`
        create function private.test_slow() returns trigger language plpgsql as $$ begin
          perform pg_sleep(1); return new; end $$;
        create trigger test_slow before insert on storage.objects for each row execute function private.test_slow()`);
      try {
        await world.travel(5);
        const ticking = world.tick();
        await until("the copy is under way", async () => {
          const sleeping = await world.sql`select from pg_stat_activity where wait_event = 'PgSleep'`;
          return sleeping.length > 0;
        });
        const body = path === "videos" ? { job_ids: [generation.jobId] } : undefined;
        assert.equal((await world.call(path, { method: "DELETE", user: generation.user, body })).status, 200);
        await ticking;
      } finally {
        await world.sql`drop function private.test_slow cascade`;
      }
      await assertNothingLeft(world, generation.jobId);
      await world.audit();
    });
  }
}
