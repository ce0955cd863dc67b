import { createClient } from "@supabase/supabase-js";
import assert from "node:assert/strict";
import type { Database } from "../_shared/database/database.types.ts";
import type { LeasedJob } from "../_shared/database/records.ts";
import { newJob } from "../_shared/jobs/test_support.ts";
import { ServerTiming } from "../_shared/runtime/server-timing.ts";
import { Copies, COPIES_AT_ONCE } from "./copies.ts";

const jobs = (count: number): LeasedJob[] =>
  Array.from({ length: count }, (_, index) => ({ ...newJob, job_id: `job ${index}`, action: "store" }));

/** A database that has no due job and counts the leases that are given back. */
function emptyDatabase() {
  const returned: string[] = [];
  const client = createClient<Database>("http://database.test", "sb_secret_test", {
    auth: { persistSession: false, autoRefreshToken: false },
    global: {
      fetch: async (address, init) => {
        const { p_leases } = await new Request(address, init).json();
        if (Array.isArray(p_leases)) returned.push(...p_leases.map(({ job_id }) => String(job_id)));
        return Response.json([]);
      },
    },
  });
  // The pause never ends: a copy waits as long as there are others.
  const pause = () => new Promise<void>(() => {});
  return { returned, context: { client, timing: new ServerTiming(), log: () => {}, pause } };
}

const LATER = () => performance.now() + 60_000;

Deno.test("no more copies are made at once than their number, and the others follow", async () => {
  let [under, most, made] = [0, 0, 0];
  const { context, returned } = emptyDatabase();
  const copies = new Copies(context, {
    until: LATER(),
    mayBeMore: false,
    lease: () => Promise.resolve([]),
    async copy() {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setTimeout(resolve));
      under--;
      made++;
    },
  });
  for (const job of jobs(20)) copies.add(job);
  assert.equal(await copies.finish(), false);
  assert.deepEqual([most, made, returned], [COPIES_AT_ONCE, 20, []]);
});

Deno.test("one call stops after so much CPU, by the sizes of the files, and gives back the other copies", async () => {
  const { context, returned } = emptyDatabase();
  let made = 0;
  const copies: Copies = new Copies(context, {
    until: LATER(),
    mayBeMore: false,
    lease: () => Promise.resolve([]),
    copy() {
      made++;
      copies.copied(50_000_000);
      return Promise.resolve();
    },
  });
  for (const job of jobs(30)) copies.add(job);
  assert.equal(await copies.finish(), true);
  assert.equal(made + returned.length, 30);
  assert.ok(made >= 13 && made < 13 + COPIES_AT_ONCE, `${made} copies of 50 MB`);
  assert.deepEqual(returned, jobs(30).slice(made).map(({ job_id }) => job_id));
});

Deno.test("no copy begins when the time of the call is over", async () => {
  const { context, returned } = emptyDatabase();
  const copies = new Copies(context, {
    until: performance.now(),
    mayBeMore: true,
    lease: () => Promise.resolve([]),
    copy: () => Promise.reject(new Error("too late")),
  });
  for (const job of jobs(2)) copies.add(job);
  assert.equal(await copies.finish(), true);
  assert.deepEqual(returned, ["job 0", "job 1"]);
});
