import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { prepareDatabase } from "../../local/database.ts";
import { startPostgres } from "../../local/postgres.ts";
import type { Database } from "../../supabase/functions/_shared/database.types.ts";
import type { Dependencies } from "../../supabase/functions/_shared/dependencies.ts";
import { createFalAdapter } from "../../supabase/functions/_shared/falai-adapter.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider.ts";
import { Bucket } from "./bucket.ts";
import { Clock } from "./clock.ts";
import { Counts } from "./counts.ts";
import { ProcedureServer } from "./database.ts";
import { Endpoints } from "./endpoints.ts";
import { FaultPlan } from "./faults.ts";
import { Mirror } from "./mirror.ts";
import type { User } from "./model.ts";
import { Network } from "./network.ts";
import { Order } from "./order.ts";
import { Postman } from "./postman.ts";
import { currentProcess } from "./process.ts";
import { Provider } from "./provider.ts";
import type { Random } from "./random.ts";
import { becomeStill } from "./stillness.ts";
import { Submissions } from "./submissions.ts";

/** Everything there is, in one process. */
export interface World {
  sql: postgres.Sql;
  clock: Clock;
  counts: Counts;
  faults: FaultPlan;
  provider: Provider;
  postman: Postman;
  bucket: Bucket;
  dependencies: Dependencies;
  endpoints: Endpoints;
  users: User[];
  submissions: Submissions;
  /** Removes what old versions of rows leave behind in the database. */
  tidy(): Promise<void>;
  stop(): Promise<void>;
}

const WELCOME_CREDITS = 40;
export const RETENTION_DAYS = 4;

export interface WorldOptions {
  users: number;
  /**
   * To the database. With one a run is the same each time; with several, procedures really run at the same time, which
   * finds what only that can, and replays as well as that can be.
   */
  connections: number;
}

export async function createWorld(random: Random, options: WorldOptions): Promise<World> {
  const server = await startPostgres();
  await prepareDatabase(server.url);
  const sql = postgres(server.url, { max: 2, onnotice: () => {} });
  // A power cut is not among the faults here, and waiting for a disk proves nothing.
  await sql.unsafe("alter system set fsync = off");
  await sql.unsafe("alter system set synchronous_commit = off");
  // It would come when it pleases; `tidy` does it instead.
  await sql.unsafe("alter system set autovacuum = off");
  await sql.unsafe("select pg_reload_conf()");
  await sql`update app_settings set welcome_credits = ${WELCOME_CREDITS}, retention_days = ${RETENTION_DAYS},
    active_jobs_per_user = 5, generations_per_hour = 7`;
  const counts = new Counts();
  const clock = await Clock.install(sql);
  const users = await createUsers(sql, random, options.users);

  const service = postgres(server.url, {
    max: options.connections,
    onnotice: () => {},
    connection: { role: "service_role" },
  });
  const submissions = new Submissions(counts, clock.now);
  const procedures = await ProcedureServer.create(service, counts, submissions);
  const faults = new FaultPlan(counts);
  const network = new Network(faults);
  const order = new Order();
  const wakeUp = becomeStill(order);
  const bucket = new Bucket();
  const postman = new Postman(clock.now, random.fork());
  const provider = await Provider.create(clock.now);
  provider.onEnded = (run) => postman.ended(run);
  const dependencies = createDependencies({ network, procedures, bucket, provider, clock, order });
  const endpoints = new Endpoints(dependencies, counts);
  return {
    sql,
    clock,
    counts,
    faults,
    provider,
    postman,
    bucket,
    dependencies,
    endpoints,
    users,
    submissions,
    async tidy() {
      await sql.unsafe("vacuum analyze");
    },
    async stop() {
      wakeUp();
      provider.simulation.timeline.stop();
      await Promise.all([sql.end({ timeout: 5 }), service.end({ timeout: 5 })]);
      await server.stop();
    },
  };
}

async function createUsers(sql: postgres.Sql, random: Random, count: number): Promise<User[]> {
  const ids = Array.from({ length: count }, () => random.uuid());
  await sql`insert into auth.users (id, email) select id, id || '@example.com' from unnest(${ids}::uuid[]) as id`;
  return ids.map((id, index) => ({ index, id, keys: [], jobs: [], mirror: new Mirror() }));
}

interface Parts {
  network: Network;
  procedures: ProcedureServer;
  bucket: Bucket;
  provider: Provider;
  clock: Clock;
  order: Order;
}

/** The real ones, but for where their requests go. */
function createDependencies({ network, procedures, bucket, provider, clock, order }: Parts): Dependencies {
  Deno.env.set("SUPABASE_URL", "http://supabase.simulated");
  Deno.env.set("SUPABASE_SECRET_KEYS", JSON.stringify({ default: "sb_secret_simulated" }));
  async function supabase(input: URL | RequestInfo, init: RequestInit = {}): Promise<Response> {
    const method = init.method ?? "GET";
    const path = new URL(input instanceof Request ? input.url : input).pathname;
    const [procedure] = path.match(/(?<=^\/rest\/v1\/rpc\/).+/) ?? [];
    if (procedure !== undefined) {
      const run = () => procedures.call(procedure, String(init.body));
      return await network.call("database", procedure, () => order.inTurn(run));
    }
    const file = decodeURIComponent(path.replace("/storage/v1/object/", ""));
    return await network.call("storage", Bucket.pointOf(method, file), () => bucket.call(method, file, init.body));
  }
  async function fal(input: URL | RequestInfo, init: RequestInit = {}): Promise<Response> {
    const method = init.method ?? "GET";
    const url = new URL(input instanceof Request ? input.url : input);
    return await network.call("provider", Provider.pointOf(method, url), () => provider.call(method, url, init));
  }
  const adapter = createFalAdapter({
    key: provider.simulation.key,
    queueUrl: provider.url,
    jwksUrl: provider.jwksUrl,
    fetch: fal,
    now: clock.now,
  });
  return {
    client: createClient<Database>("http://supabase.simulated", "sb_secret_simulated", {
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
      global: { fetch: supabase },
    }),
    providers: {
      get(name) {
        if (name !== "fal") throw new ProviderError("fatal", "provider_model_missing", name);
        return adapter;
      },
    },
    environment: {
      VIDEO_STORAGE: "supabase",
      SIGNED_URL_SECONDS: 3600,
      PUBLIC_FUNCTIONS_URL: "http://functions.simulated",
    },
    random: () => currentProcess().random.next(),
    pause: () => Promise.resolve(),
  };
}
