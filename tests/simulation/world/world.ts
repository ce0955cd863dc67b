import postgres from "postgres";
import { prepareDatabase } from "../../../local/postgres/database.ts";
import { Timeline } from "../../../local/simulators/shared/timeline.ts";
import { offerModels } from "../../../local/stack/simulated-models.ts";
import { startPostgres } from "../../../local/postgres/postgres.ts";
import type { Dependencies } from "../../../supabase/functions/_shared/jobs/dependencies.ts";
import { Bucket } from "./bucket.ts";
import { Clock } from "../runtime/clock.ts";
import { CoverageCounts } from "../runtime/coverage-counts.ts";
import { ProcedureServer } from "./procedures.ts";
import { Endpoints } from "./endpoints.ts";
import { FaultPlan } from "../faults/call-faults.ts";
import type { User } from "../model/user.ts";
import { Network } from "./network.ts";
import { Sequencer } from "../runtime/sequencer.ts";
import { createDependencies } from "./dependencies.ts";
import { WebhookQueue } from "../faults/webhooks.ts";
import { PRICES } from "../model/prices.ts";
import { FalProvider } from "./fal.ts";
import type { Random } from "../runtime/random.ts";
import { RunpodProvider } from "./runpod.ts";
import { makeDeterministic } from "../runtime/determinism.ts";
import { Submissions } from "../model/submissions.ts";
import { createUser, keepFileTable, respell } from "./users.ts";
import { MOST_CANCELLATIONS, RETENTION_DAYS, UPLOADS_PER_DAY, WELCOME_CREDITS } from "../model/limits.ts";
import { VeoProvider } from "./veo.ts";

/** Everything there is, in one process. */
export interface World {
  sql: postgres.Sql;
  clock: Clock;
  counts: CoverageCounts;
  faults: FaultPlan;
  /** fal. */
  fal: FalProvider;
  runpod: RunpodProvider;
  veo: VeoProvider;
  webhooks: WebhookQueue;
  bucket: Bucket;
  dependencies: Dependencies;
  endpoints: Endpoints;
  users: User[];
  /** Puts somebody new in the place of a user who is gone. */
  replaceUser(gone: User): Promise<void>;
  /** The size of the file at an address that some provider gave; undefined where no run made it. */
  fileBytes(url: string): number | undefined;
  submissions: Submissions;
  /** Calls of the database that are not a procedure's come one at a time, in an order of their own. */
  sequencer: Sequencer;
  /** Removes what old versions of rows leave behind in the database. */
  tidy(): Promise<void>;
  stop(): Promise<void>;
}

export interface WorldOptions {
  users: number;
  /**
   * To the database. With one a run is the same each time; with several, procedures really run at the same time, which
   * finds what only that can, and replays as well as that can be.
   */
  connections: number;
  /** Whether what comes from other threads comes at another moment each time: a run must be the same even so. */
  randomDelays?: boolean;
}

export async function createWorld(random: Random, options: WorldOptions): Promise<World> {
  const server = await startPostgres();
  await prepareDatabase(server.url);
  const sql = postgres(server.url, { max: 2, onnotice: () => {} });
  await prepareWorld(sql);
  await offerModels(server.url, ["runpod", "veo"]);
  const counts = new CoverageCounts();
  const clock = await Clock.install(sql);

  const service = postgres(server.url, {
    max: options.connections,
    onnotice: () => {},
    connection: { role: "service_role" },
  });
  const submissions = new Submissions(counts, clock.now);
  const procedures = await ProcedureServer.create(service, counts, submissions);
  const faults = new FaultPlan(counts);
  const network = new Network(faults);
  // What the world itself asks of the database goes by other connections than the functions' procedures.
  const sequencer = new Sequencer({ overlaps: options.connections > 1, randomDelays: options.randomDelays ?? false });
  const restoreGlobals = makeDeterministic(sequencer, random.fork(), clock.now);
  const bucket = new Bucket((...file) => sequencer.inTurn(() => keepFileTable(sql, ...file)));
  const webhooks = new WebhookQueue(clock.now, random.fork());
  const timeline = new Timeline(clock.now, false);
  const fal = await FalProvider.create(timeline);
  const [runpod, veo] = [new RunpodProvider(timeline), new VeoProvider(timeline)];
  fal.onEnded = (run) => webhooks.falEnded(run);
  runpod.onEnded = (run) => webhooks.runpodEnded(run);
  const newUser = (index: number, comesBackAs?: string) => createUser({ sql, random, sequencer }, index, comesBackAs);
  const users: User[] = [];
  for (let index = 0; index < options.users; index++) users.push(await newUser(index));
  let nextUser = users.length;
  fal.canFetch = (url) => {
    // Google's files open with our key only; ours may be deleted between their signing and their use.
    if (url.origin === new URL(veo.url).origin) return false;
    return /^(example\.com|supabase\.simulated)$/.test(url.host) || fileBytes(url.href) !== undefined;
  };
  function fileBytes(address: string): number | undefined {
    const url = new URL(address);
    const { foreignMediaOrigin } = fal.simulation.settings;
    const made = url.origin === foreignMediaOrigin
      ? fal
      : [fal, runpod, veo].find((one) => new URL(one.url).origin === url.origin);
    return made?.fileBytes(url);
  }
  const dependencies = createDependencies({ network, procedures, bucket, fal, runpod, veo, clock, sequencer });
  const endpoints = new Endpoints(dependencies, counts);
  return {
    sql,
    clock,
    counts,
    faults,
    fal,
    runpod,
    veo,
    webhooks,
    bucket,
    dependencies,
    endpoints,
    users,
    async replaceUser(gone) {
      const place = users.indexOf(gone);
      if (place < 0) return;
      const comesBack = random.chance(0.5);
      counts.add("account deletions", comesBack ? "came back" : "somebody new");
      users[place] = await newUser(nextUser++, comesBack ? respell(gone.email, random) : undefined);
    },
    fileBytes,
    submissions,
    sequencer,
    async tidy() {
      await sql.unsafe("vacuum analyze");
    },
    async stop() {
      restoreGlobals();
      timeline.stop();
      await Promise.all([sql.end({ timeout: 5 }), service.end({ timeout: 5 })]);
      await server.stop();
    },
  };
}

/** Limits that are met, prices that differ, and a server that neither waits nor does anything by itself. */
async function prepareWorld(sql: postgres.Sql): Promise<void> {
  // A power cut is not among the faults here, and waiting for a disk proves nothing.
  await sql.unsafe("alter system set fsync = off");
  await sql.unsafe("alter system set synchronous_commit = off");
  // It would come when it pleases; `tidy` does it instead.
  await sql.unsafe("alter system set autovacuum = off");
  await sql.unsafe("select pg_reload_conf()");
  await sql`update app_settings set welcome_credits = ${WELCOME_CREDITS}, retention_days = ${RETENTION_DAYS},
    active_jobs_per_user = 5, generations_per_hour = 7, cancels_after_start_per_day = ${MOST_CANCELLATIONS},
    refusals_after_start_per_day = 1000000,
    uploads_per_day = ${UPLOADS_PER_DAY}`;
  for (const [step, credits] of Object.entries(PRICES)) {
    await sql`update pipeline_steps set credits = ${credits} where name = ${step}`;
  }
  await numberIds(sql);
}

/**
 * Makes the ids of jobs count up: procedures go through them in their order, and a run is the same each time only if they
 * come in the same order each time.
 */
async function numberIds(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(`
    create sequence private.simulated_ids;
    grant usage on sequence private.simulated_ids to public;
    set allow_system_table_mods = on;
    create or replace function pg_catalog.gen_random_uuid() returns uuid language sql volatile as $$
      select ('00000000-0000-4000-8000-' || lpad(to_hex(nextval('private.simulated_ids')), 12, '0'))::uuid
    $$;
  `);
}
