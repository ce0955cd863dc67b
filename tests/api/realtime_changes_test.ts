// What an app receives that listens to the table video_jobs itself (`postgres_changes`).
import {
  createClient,
  type RealtimePostgresChangesFilter,
  type RealtimePostgresChangesPayload,
  type SupabaseClient,
} from "@supabase/supabase-js";
import assert from "node:assert/strict";
import { signToken } from "../../local/supabase/tokens.ts";
import { INSTANT } from "../support/generation.ts";
import { KLING, type TestUser, until, useWorld } from "../support/harness.ts";

const world = useWorld({ falSimulator: { ...INSTANT, runMs: 3_600_000 } });

// The client's timers and its socket end a moment after `removeAllChannels`.
const untidy = { sanitizeOps: false, sanitizeResources: false };

type Row = Record<string, unknown>;
type Change = RealtimePostgresChangesPayload<Row>;

interface Listening {
  client: SupabaseClient;
  received: Change[];
  states: string[];
  /** What Realtime reported of the subscription. */
  report: { status: string; message: string };
}

const ALL = { event: "*", schema: "public", table: "video_jobs" } as const;

/** Listens as an app does, with this user's token or with the publishable key alone. */
async function listen(
  user: TestUser | null,
  work: (listening: Listening) => Promise<void>,
  { filter = ALL, vsn = "2.0.0" }: { filter?: RealtimePostgresChangesFilter<"*">; vsn?: "1.0.0" | "2.0.0" } = {},
): Promise<void> {
  const client = createClient(world.url, world.publishableKey, { realtime: { vsn }, auth: { persistSession: false } });
  const listening: Listening = { client, received: [], states: [], report: { status: "", message: "" } };
  try {
    if (user) await client.realtime.setAuth(user.token);
    client.channel("my videos")
      .on("postgres_changes", filter, (change: Change) => listening.received.push(change))
      .on("system", {}, (report) => listening.report = report)
      .subscribe((state) => listening.states.push(state));
    await until("Realtime reported", () => listening.report.status !== "");
    await work(listening);
  } finally {
    await client.removeAllChannels();
    await client.realtime.disconnect();
  }
}

/** Ends when the owner has received a change of a new job, which comes after all that was sent before. */
async function afterAnother(owner: TestUser): Promise<void> {
  await listen(owner, async ({ received }) => {
    await world.generate(owner);
    await until("a change was received", () => received.length > 0);
  });
}

for (const vsn of ["1.0.0", "2.0.0"] as const) {
  Deno.test(`the owner receives the insert and each update of a job, over ${vsn}`, untidy, async () => {
    const user = await world.newUser();
    await listen(user, async ({ received, states, report }) => {
      assert.deepEqual([states, report.status, report.message], [["SUBSCRIBED"], "ok", "Subscribed to PostgreSQL"]);
      const { body: { job_id } } = await world.generate(user);
      await world.call(`videos/${job_id}/cancel`, { user });
      await until("the end was received", () => received.some((change) => Object(change.new).status === "failed"));
      assert.deepEqual(received.map(({ eventType, new: row }) => [eventType, Object(row).status]), [
        ["INSERT", "pending"],
        ["UPDATE", "processing"],
        ["UPDATE", "failed"],
      ]);
      for (const { schema, table, errors, commit_timestamp, new: row } of received) {
        assert.deepEqual([schema, table, errors, Object(row).job_id], ["public", "video_jobs", null, job_id]);
        assert.ok(Math.abs(Date.now() - Date.parse(commit_timestamp)) < 60_000, commit_timestamp);
      }
      assert.deepEqual(received.map(({ old }) => old), [{}, { job_id }, { job_id }]);
    }, { vsn });
  });
}

Deno.test("a row has the columns and the values that the owner reads from the table", untidy, async () => {
  const user = await world.newUser();
  await listen(user, async ({ received }) => {
    const prompt = `It's "a" lighthouse, [text]:'x' \\ {1,2}\n${"漢字 ".repeat(400)}`;
    const body = { model_id: KLING, prompt, settings: { duration: 8 }, node_id: "it's null" };
    const { body: { job_id } } = await world.generate(user, { body });
    await until("the submission was received", () => received.length >= 2);
    const headers = { apikey: world.publishableKey, Authorization: `Bearer ${user.token}` };
    const [row] = await (await fetch(`${world.url}/rest/v1/video_jobs?job_id=eq.${job_id}`, { headers })).json();
    assert.deepEqual(Object.keys(received[0]?.new ?? {}).sort(), Object.keys(row).sort());
    assert.deepEqual(received[1]?.new, row);
  });
});

Deno.test("a stranger and an app without a user receive nothing", untidy, async () => {
  const [owner, stranger] = [await world.newUser(), await world.newUser()];
  for (const listener of [stranger, null]) {
    await listen(listener, async ({ received, states }) => {
      assert.deepEqual(states, ["SUBSCRIBED"]);
      const { body: { job_id } } = await world.generate(owner);
      await world.call(`videos/${job_id}/cancel`, { user: owner });
      await world.call("videos", { method: "DELETE", user: owner, body: { job_ids: [job_id] } });
      await afterAnother(owner);
      assert.deepEqual(received, []);
    });
  }
});

Deno.test("a filter that names another user's rows shows none of them", untidy, async () => {
  const [owner, stranger] = [await world.newUser(), await world.newUser()];
  await listen(stranger, async ({ received }) => {
    await world.generate(owner);
    await afterAnother(owner);
    assert.deepEqual(received, []);
  }, { filter: { ...ALL, filter: `user_id=eq.${owner.id}` } });
});

for (
  const [filter, expected] of [
    ["status=eq.failed", ["failed"]],
    ["status=neq.pending", ["processing", "failed"]],
    ["status=in.(pending,failed)", ["pending", "failed"]],
    ["credits_refunded=gt.0", ["failed"]],
    ["created_at=gte.2020-01-01", ["pending", "processing", "failed"]],
    ["node_id=eq.other", []],
  ] as const
) {
  Deno.test(`the filter ${filter} lets through ${expected.join(", ") || "nothing"}`, untidy, async () => {
    const user = await world.newUser();
    await listen(user, async ({ received, report }) => {
      assert.equal(report.status, "ok", report.message);
      const { body: { job_id } } = await world.generate(user);
      await world.call(`videos/${job_id}/cancel`, { user });
      await listen(user, async ({ received: all }) => {
        await world.generate(user);
        await until("the next job was received", () => all.length > 0);
      });
      const rows = received.map((change) => Object(change.new)).filter((row) => row.job_id === job_id);
      assert.deepEqual(rows.map(({ status }) => status), expected);
    }, { filter: { ...ALL, filter } });
  });
}

Deno.test("a listener to inserts receives no update", untidy, async () => {
  const user = await world.newUser();
  const client = createClient(world.url, world.publishableKey, { auth: { persistSession: false } });
  const seen = { inserts: 0, updates: 0 };
  let isReady = false;
  try {
    await client.realtime.setAuth(user.token);
    client.channel("both")
      .on("postgres_changes", { ...ALL, event: "INSERT" }, () => seen.inserts++)
      .on("postgres_changes", { ...ALL, event: "UPDATE", filter: "status=eq.processing" }, () => seen.updates++)
      .on("system", {}, () => isReady = true)
      .subscribe();
    await until("Realtime reported", () => isReady);
    await world.generate(user);
    await until("both were received", () => seen.inserts + seen.updates >= 2);
    assert.deepEqual(seen, { inserts: 1, updates: 1 });
  } finally {
    await client.removeAllChannels();
    await client.realtime.disconnect();
  }
});

for (
  const [wanted, message] of [
    [{ table: "credit_balances" }, /^Unable to subscribe to changes with given parameters/],
    [{ table: "no_table" }, /^Unable to subscribe to changes with given parameters/],
    [{ filter: "colour=eq.red" }, /^invalid column for filter colour$/],
    [{ filter: "id=eq.one" }, /invalid input syntax for type bigint/],
    [{ filter: "undefined" }, /^Error parsing `filter` params/],
    [{ filter: "status=like.p%" }, /^Error parsing `filter` params/],
  ] as const
) {
  Deno.test(`${JSON.stringify(wanted)} cannot be listened to, and the channel says so`, untidy, async () => {
    await listen(await world.newUser(), ({ report }) => {
      assert.equal(report.status, "error");
      assert.match(report.message, message);
      return Promise.resolve();
    }, { filter: { ...ALL, ...wanted } });
  });
}

Deno.test("a channel that is given another user's token shows that user's rows from then on", untidy, async () => {
  const [first, second] = [await world.newUser(), await world.newUser()];
  await listen(first, async ({ client, received }) => {
    await client.realtime.setAuth(second.token);
    await world.generate(first);
    await world.generate(second);
    await until("a change was received", () => received.length > 0);
    assert.ok(received.every((change) => Object(change.new).user_id === second.id));
  });
});

Deno.test("a channel ends when its token expires", untidy, async () => {
  const user = await world.newUser();
  const exp = Math.floor(Date.now() / 1000) + 4;
  const token = signToken({ sub: user.id, role: "authenticated", exp }, world.signingKey);
  await listen({ ...user, token }, async ({ states }) => {
    await until("the channel ended", () => states.includes("CLOSED"));
  });
});

Deno.test("nothing is read while nobody listens, and the slot goes with the last listener", untidy, async () => {
  const slots = async () => (await world.sql`select from pg_replication_slots`).length;
  const user = await world.newUser();
  await until("the slots of other tests are gone", async () => await slots() === 0);
  await listen(user, async () => assert.equal(await slots(), 1));
  await until("the slot is gone", async () => await slots() === 0);
});

Deno.test("a listener goes on when Realtime's own connection was lost", untidy, async () => {
  const user = await world.newUser();
  const { body: { job_id } } = await world.generate(user);
  await listen(user, async ({ received }) => {
    await world.sql`select pg_terminate_backend(active_pid) from pg_replication_slots`;
    await until("a change was received", async () => {
      await world.sql`update video_jobs set queue_position = 1 where job_id = ${String(job_id)}`;
      return received.length > 0;
    });
  });
});
