import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { KLING, type TestUser, useWorld, type World } from "../support/harness.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld({ falSimulator: { queueMs: 0, runMs: 0, concurrency: 1000 } });

/** A user with a finished video, and two callers that must not get it: the app without a user, and another user. */
interface Scene {
  victim: TestUser;
  jobId: string;
  attackers: Record<"anon" | "authenticated", SupabaseClient>;
  attacker: TestUser;
}

async function setScene({ newUser, generate, travel, status }: World): Promise<Scene> {
  const [victim, attacker] = await Promise.all([newUser(20), newUser(20)]);
  const started = await generate(victim, { body: { model_id: KLING, prompt: "My own film", node_id: "node-1" } });
  await generate(attacker);
  const jobId = String(started.body.job_id);
  await travel(20);
  assert.equal((await status(victim, jobId)).body.status, "completed");
  return { victim, jobId, attackers: { anon: client(), authenticated: client(attacker) }, attacker };
}

/** The headers of an app: the publishable key and, signed in, its user's token. */
function client(user?: TestUser): SupabaseClient {
  return createClient(world.url, world.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { headers: user ? { Authorization: `Bearer ${user.token}` } : {} },
  });
}

/** The headers of the operator's own programs. */
function operator(): SupabaseClient {
  return createClient(world.url, world.secretKey, { auth: { persistSession: false, autoRefreshToken: false } });
}

interface Procedure {
  name: string;
  /** Arguments of the right types that name the first user and their job. */
  args: Record<string, unknown>;
}

/** Every procedure of ours in the schema that the API shows. */
async function listProcedures({ victim, jobId }: Scene): Promise<Procedure[]> {
  const rows = await world.sql<{ name: string; names: string[] | null; types: string[] }[]>`
    select proname as name, proargnames as names,
      array(select format_type(type, null) from unnest(proargtypes::oid[]) with ordinality as one (type, place)
        order by place) as types
    from pg_proc where pronamespace = 'public'::regnamespace and prokind in ('f', 'p')
      and prorettype <> 'trigger'::regtype
      and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
    order by proname`;
  const valueOf = (name: string, type: string): unknown => {
    if (type === "uuid") return { p_user_id: victim.id, p_job_id: jobId, p_model_id: KLING }[name] ?? victim.id;
    if (type === "integer" || type === "bigint" || type === "numeric") return 1;
    if (type === "boolean") return true;
    if (type === "jsonb" || type === "json") return {};
    if (type.endsWith("[]")) return [jobId];
    if (type === "interval") return "1 day";
    return type.startsWith("timestamp") ? new Date().toISOString() : "text";
  };
  return rows.map(({ name, names, types }) => ({
    name,
    args: Object.fromEntries(types.map((type, place) => [names?.[place], valueOf(names?.[place] ?? "", type)])),
  }));
}

/** What Postgres answers to a role without the privilege; every other error may have another reason. */
const PERMISSION_DENIED = "42501";

Deno.test("no procedure but the quote can be called by an app, signed in or not", async () => {
  const scene = await setScene(world);
  const procedures = await listProcedures(scene);
  assert.ok(procedures.length > 10 && procedures.some(({ name }) => name === "add_credits"));
  const forbidden = procedures.filter(({ name }) => !["quote_generation", "my_limits"].includes(name));
  await assertChangesNothing(world, async () => {
    for (const [role, app] of Object.entries(scene.attackers)) {
      for (const { name, args } of forbidden) {
        const { error, status } = await app.rpc(name, args);
        assert.equal(error?.code, PERMISSION_DENIED, `${role} called ${name}: ${status} ${error?.message}`);
        assert.equal(status, role === "anon" ? 401 : 403);
      }
    }
  });
});

Deno.test("only the missing privilege refuses add_credits: with the grant the same call adds credits", async () => {
  const { attackers: { authenticated: app }, attacker } = await setScene(world);
  const mint = () => app.rpc("add_credits", { p_user_id: attacker.id, p_amount: 1000, p_reason: "gift" });
  assert.equal((await mint()).error?.code, PERMISSION_DENIED);
  await world.sql`grant execute on function add_credits to authenticated`;
  await world.sql`alter function add_credits security definer`;
  try {
    assert.equal((await mint()).error, null);
    assert.equal(await world.balance(attacker), 1015);
  } finally {
    await world.sql`alter function add_credits security invoker`;
    await world.sql`revoke execute on function add_credits from authenticated`;
  }
  assert.equal((await mint()).error?.code, PERMISSION_DENIED);
});

Deno.test("procedures cannot be called by GET either", async () => {
  const { attacker } = await setScene(world);
  const query = new URLSearchParams({ p_user_id: attacker.id, p_amount: "1000", p_reason: "gift" });
  await assertChangesNothing(world, async () => {
    const response = await fetch(`${world.url}/rest/v1/rpc/add_credits?${query}`, {
      headers: { apikey: world.publishableKey, Authorization: `Bearer ${attacker.token}` },
    });
    assert.equal(response.status, 403, await response.text());
  });
});

Deno.test("no table can be written by an app, not even one's own rows", async () => {
  const { attackers, attacker, victim } = await setScene(world);
  const now = new Date().toISOString();
  const rows: Record<string, { key: string; values: string[]; row: Record<string, unknown> }> = {
    credit_balances: {
      key: "user_id",
      values: [attacker.id, victim.id],
      row: { user_id: attacker.id, credits_remaining: 1_000_000 },
    },
    quota_log: {
      key: "user_id",
      values: [attacker.id, victim.id],
      row: { user_id: attacker.id, change: 1000, reason: "gift", balance_after: 1020 },
    },
    video_jobs: {
      key: "user_id",
      values: [attacker.id, victim.id],
      row: { user_id: attacker.id, model_id: KLING, prompt: "Free", credits_used: 1, created_at: now, updated_at: now },
    },
    models: { key: "id", values: [KLING], row: { cost_per_second: 1, name: "Free" } },
    pipeline_steps: { key: "name", values: ["music"], row: { credits: 0 } },
    pipeline_tools: { key: "step", values: ["music"], row: { provider_model_id: "free" } },
    app_settings: { key: "only_row", values: ["true"], row: { welcome_credits: 1_000_000 } },
    idempotency_log: { key: "user_id", values: [attacker.id, victim.id], row: { idempotency_key: "k" } },
  };
  await assertChangesNothing(world, async () => {
    for (const [role, app] of Object.entries(attackers)) {
      for (const [table, { key, values, row }] of Object.entries(rows)) {
        const attempts = {
          insert: app.from(table).insert(row),
          upsert: app.from(table).upsert(row),
          update: app.from(table).update(row).in(key, values),
          delete: app.from(table).delete().in(key, values),
        };
        for (const [verb, attempt] of Object.entries(attempts)) {
          const { error } = await attempt;
          assert.equal(error?.code, PERMISSION_DENIED, `${role} ${verb} ${table}: ${error?.message}`);
        }
      }
    }
  });
});

Deno.test("every table of the API but the canvas's is closed to writing, those that no test names too", async () => {
  const open = await world.sql`
    select relname, grantee.name as role, privilege from pg_class
      cross join (values ('anon'), ('authenticated')) as grantee (name)
      cross join (values ('insert'), ('update'), ('delete'), ('truncate')) as kind (privilege)
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'm', 'p')
      and has_table_privilege(grantee.name, pg_class.oid, privilege)
    order by relname, privilege`;
  assert.deepEqual(
    open.map((row) => Object.values(row)),
    ["connections", "nodes", "project_members", "projects"].flatMap((table) =>
      ["delete", "insert", "update"].map((privilege) => [table, "authenticated", privilege])
    ),
  );
});

Deno.test("a user reads no other user's rows, and the app without a user reads none", async () => {
  const { attackers: { anon, authenticated }, victim, attacker, jobId } = await setScene(world);
  for (const table of ["credit_balances", "quota_log", "video_jobs"]) {
    const theirs = await authenticated.from(table).select("*").eq("user_id", victim.id);
    assert.deepEqual([theirs.error, theirs.data], [null, []], table);
    const all = await authenticated.from(table).select("*");
    assert.ok(all.data?.length, table);
    assert.ok(all.data?.every((row) => row.user_id === attacker.id), table);
    assert.equal((await anon.from(table).select("*")).error?.code, PERMISSION_DENIED, table);
  }
  const guess = await authenticated.from("video_jobs").select("prompt").or(`job_id.eq.${jobId},prompt.like.*film*`);
  assert.deepEqual(guess.data, []);
  const embedded = await authenticated.from("models").select("id, video_jobs(prompt, user_id)").eq("id", KLING);
  assert.ok(!JSON.stringify(embedded.data ?? []).includes("My own film"));
});

Deno.test("no user reads keys and settings", async () => {
  const { attackers } = await setScene(world);
  for (const app of Object.values(attackers)) {
    for (const table of ["idempotency_log", "app_settings"]) {
      assert.equal((await app.from(table).select("*")).error?.code, PERMISSION_DENIED, table);
    }
  }
});

Deno.test("schemas other than public are not shown", async () => {
  const { attackers } = await setScene(world);
  const tables = { private: "job_queue", auth: "users", storage: "objects", supabase_migrations: "schema_migrations" };
  for (const app of Object.values(attackers)) {
    for (const [schema, table] of Object.entries(tables)) {
      assert.equal((await app.schema(schema).from(table).select("*")).error?.code, "PGRST106", schema);
      assert.equal((await app.schema(schema).from(table).insert({})).error?.code, "PGRST106", schema);
    }
    assert.equal((await app.schema("private").rpc("clock")).error?.code, "PGRST106");
    assert.equal((await app.from("job_queue").select("*")).error?.code, "PGRST205");
  }
});

Deno.test("the functions need a user's token, and show nothing of another user", async () => {
  const { attacker, victim, jobId } = await setScene(world);
  const headers = { apikey: world.publishableKey };
  await assertChangesNothing(world, async () => {
    for (const query of [`job_id=${jobId}`, "node_id=node-1"]) {
      const path = `get-video-status?${query}`;
      assert.equal((await world.call(path, { method: "GET", user: attacker })).status, 404);
      assert.equal((await world.call(path, { method: "GET", headers })).status, 401);
    }
    const body = { model_id: KLING, prompt: "At your cost", user_id: victim.id };
    assert.equal((await world.generate(attacker, { body })).status, 403);
    const key = { ...headers, "Idempotency-Key": "k" };
    assert.equal((await world.call("generate-video", { headers: key, body })).status, 401);
  });
});

Deno.test("the catalogue and the price are public", async () => {
  const { attackers } = await setScene(world);
  for (const app of Object.values(attackers)) {
    const models = await app.from("models").select("*");
    assert.ok(models.data?.some(({ id }) => id === KLING));
    const quote = await app.rpc("quote_generation", { p_model_id: KLING, p_settings: { duration: 8 } });
    assert.equal(quote.data?.credits, 8);
  }
});

Deno.test("one's own balance, ledger and jobs can be read whole", async () => {
  const { victim, jobId } = await setScene(world);
  const app = client(victim);
  const balance = await app.from("credit_balances").select("*").single();
  assert.equal(balance.data?.credits_remaining, 15);
  const ledger = await app.from("quota_log").select("*").order("id");
  assert.deepEqual(ledger.data?.map(({ change }) => change), [20, -5]);
  const jobs = await app.from("video_jobs").select("*");
  assert.deepEqual(jobs.data?.map(({ job_id, status, credits_used }) => ({ job_id, status, credits_used })), [
    { job_id: jobId, status: "completed", credits_used: 5 },
  ]);
});

Deno.test("the operator's key may do what an app may not", async () => {
  const { attacker } = await setScene(world);
  const { error } = await operator().rpc("add_credits", { p_user_id: attacker.id, p_amount: 7, p_reason: "top_up" });
  assert.equal(error, null);
  assert.equal(await world.balance(attacker), 22);
  await world.audit();
});
