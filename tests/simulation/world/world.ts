import postgres from "postgres";
import { Timeline } from "../../../local/simulators/shared/timeline.ts";
import { offerModels } from "../../../local/stack/simulated-models.ts";
import type { Dependencies } from "../../../supabase/functions/_shared/jobs/dependencies.ts";
import { startDatabase } from "../../support/database.ts";
import { Failures } from "../model/failures.ts";
import { Imports } from "../model/imports.ts";
import { EarlierSystem } from "./earlier-system.ts";
import { Canvas } from "../model/canvas.ts";
import { Bucket } from "./bucket.ts";
import { Clock } from "../runtime/clock.ts";
import { CoverageCounts } from "../runtime/coverage-counts.ts";
import { ProcedureLog } from "./procedure-log.ts";
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
import { RendiProvider } from "./rendi.ts";
import { RunpodProvider } from "./runpod.ts";
import { makeDeterministic } from "../runtime/determinism.ts";
import { attemptIn } from "./paid-runs.ts";
import { Submissions } from "../model/submissions.ts";
import { createUser, keepFileTable, respell } from "./users.ts";
import { MOST_CANCELLATIONS, RETENTION_DAYS, UPLOADS_PER_DAY, WELCOME_CREDITS } from "../model/limits.ts";
import { KLING, WAN_IMAGE } from "../model/catalogue.ts";
import { VeoProvider } from "./veo.ts";

/** The whole simulated platform, in one process. */
export interface World {
  sql: postgres.Sql;
  clock: Clock;
  counts: CoverageCounts;
  faults: FaultPlan;
  /** fal. */
  fal: FalProvider;
  runpod: RunpodProvider;
  veo: VeoProvider;
  rendi: RendiProvider;
  webhooks: WebhookQueue;
  bucket: Bucket;
  dependencies: Dependencies;
  endpoints: Endpoints;
  users: User[];
  /** Replaces a deleted user by a new one, or by the same person with a new account. */
  replaceUser(gone: User): Promise<void>;
  /** A user whom an import brings along: they get no welcome credits. */
  addUser(email: string): Promise<void>;
  /** The size of the file at a provider's address; undefined if no run made it. */
  fileBytes(url: string): number | undefined;
  submissions: Submissions;
  failures: Failures;
  /** The projects of the canvas. */
  canvas: Canvas;
  /** The earlier system, and what was imported from it. */
  earlierSystem: EarlierSystem;
  imports: Imports;
  procedureLog: ProcedureLog;
  /** Database queries outside of procedures use it too, so that they come in the same order in each run. */
  sequencer: Sequencer;
  /** Removes dead rows, because autovacuum is off. */
  tidy(): Promise<void>;
  stop(): Promise<void>;
}

export interface WorldOptions {
  users: number;
  /**
   * Connections to the database. With one, a seed always gives the same run. With several, procedures run at the same time
   * and can meet in the database; then a seed gives only a similar run.
   */
  connections: number;
  /** Whether answers from other threads are delayed at random. With one connection the run must be the same. */
  randomDelays?: boolean;
}

export async function createWorld(random: Random, options: WorldOptions): Promise<World> {
  const server = await startDatabase();
  const sql = postgres(server.url, { max: 2, onnotice: () => {} });
  await prepareWorld(sql);
  await offerModels(server.url, ["runpod", "veo", "rendi"]);
  const counts = new CoverageCounts();
  const clock = await Clock.install(sql);

  const service = postgres(server.url, {
    max: options.connections,
    onnotice: () => {},
    connection: { role: "service_role" },
  });
  const submissions = new Submissions(counts, clock.now);
  const canvas = new Canvas();
  const failures = new Failures();
  const procedureLog = new ProcedureLog(clock.now);
  const procedures = await ProcedureServer.create(service, counts, {
    called: (...call) => failures.observe(...call),
    answered: (...call) => {
      submissions.observe(...call);
      canvas.observe(...call);
      procedureLog.note(...call);
    },
  });
  const faults = new FaultPlan(counts);
  const network = new Network(faults);
  // Queries of the simulation itself use other connections than the procedures of the functions.
  const sequencer = new Sequencer({ overlaps: options.connections > 1, randomDelays: options.randomDelays ?? false });
  const restoreGlobals = makeDeterministic(sequencer, random.fork(), clock.now);
  const bucket = new Bucket((...file) => sequencer.inTurn(() => keepFileTable(sql, ...file)));
  const webhooks = new WebhookQueue(clock.now, random.fork());
  const timeline = new Timeline(clock.now, false);
  const fal = await FalProvider.create(timeline);
  const [runpod, veo, rendi] = [new RunpodProvider(timeline), new VeoProvider(timeline), new RendiProvider(timeline)];
  fal.onEnded = (run) => webhooks.falEnded(run);
  runpod.onEnded = (run) => webhooks.runpodEnded(run);
  const newUser = (index: number, comesBackAs?: string) => createUser({ sql, random, sequencer }, index, comesBackAs);
  const earlierSystem = new EarlierSystem();
  const users: User[] = [];
  for (let index = 0; index < options.users; index++) users.push(await newUser(index));
  let nextUser = users.length;
  const coming = new Set<string>();
  rendi.canFetch = fal.canFetch = (url) => {
    // Google's files need our key. Our own addresses always count as valid: a file may be deleted after its signing.
    if (url.origin === new URL(veo.url).origin) return false;
    return /^(example\.com|supabase\.simulated)$/.test(url.host) || fileBytes(url.href) !== undefined;
  };
  function fileBytes(address: string): number | undefined {
    const url = new URL(address);
    const imported = earlierSystem.fileBytes(url);
    if (imported !== undefined) return imported;
    const { foreignMediaOrigin } = fal.simulation.settings;
    const made = url.origin === foreignMediaOrigin
      ? fal
      : [rendi, runpod].find(({ foreignOrigin }) => foreignOrigin === url.origin) ??
        [fal, runpod, veo, rendi].find((one) => new URL(one.url).origin === url.origin);
    return made?.fileBytes(url);
  }
  rendi.jobOf = (url) => {
    const [, , id = ""] = url.pathname.split("/");
    const run = fal.simulation.queue.find(id) ?? null;
    if (run !== null) return attemptIn(run.webhookUrl).job;
    const ofRunpod = runpod.runs.find((one) => one.id === id);
    if (ofRunpod !== undefined) return attemptIn(ofRunpod.webhook).job;
    // Our own copy of the video has the job's id as its name.
    return rendi.attempts.get(id)?.job ?? url.pathname.match(/([0-9a-f-]{36})\.mp4$/)?.[1];
  };
  const services = { network, procedures, bucket, fal, runpod, veo, rendi, earlierSystem, clock, sequencer };
  const dependencies = createDependencies(services);
  const endpoints = new Endpoints(dependencies, counts);
  return {
    sql,
    clock,
    counts,
    faults,
    fal,
    runpod,
    veo,
    rendi,
    webhooks,
    bucket,
    dependencies,
    endpoints,
    users,
    async replaceUser(gone) {
      const place = users.indexOf(gone);
      if (place < 0) return;
      const comesBack = random.chance(0.5);
      counts.add("account deletions", comesBack ? "came back" : "new user");
      users[place] = await newUser(nextUser++, comesBack ? respell(gone.email, random) : undefined);
    },
    async addUser(email) {
      if (users.some((user) => user.email === email) || coming.has(email)) return;
      coming.add(email);
      users.push(await newUser(nextUser++, email));
      coming.delete(email);
    },
    fileBytes,
    earlierSystem,
    imports: new Imports(),
    submissions,
    canvas,
    failures,
    procedureLog,
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

/** Sets low limits and different prices, and a database server that does nothing by itself. */
async function prepareWorld(sql: postgres.Sql): Promise<void> {
  // A power cut is not simulated, so waiting for the disk proves nothing.
  await sql.unsafe("alter system set synchronous_commit = off");
  // Autovacuum runs at unpredictable times; `tidy` does its work.
  await sql.unsafe("alter system set autovacuum = off");
  await sql.unsafe("select pg_reload_conf()");
  await sql`update app_settings set welcome_credits = ${WELCOME_CREDITS}, retention_days = ${RETENTION_DAYS},
    active_jobs_per_user = 5, generations_per_hour = 7, cancels_after_start_per_day = ${MOST_CANCELLATIONS},
    refusals_after_start_per_day = 1000000,
    uploads_per_day = ${UPLOADS_PER_DAY}, public_functions_url = 'http://functions.simulated'`;
  // The operator's choice for the canvas: two models whose videos most users can pay.
  await sql`update models set is_default = false where is_default and category in ('text-to-video', 'image-to-video')`;
  await sql`update models set is_default = true where id = any (${[KLING, WAN_IMAGE]}::uuid[])`;
  // Files go from fal to Rendi, and from Rendi to fal.
  await sql`update pipeline_steps set provider = 'rendi' where name in ('frame', 'join', 'trim', 'thumbnail')`;
  for (const [step, credits] of Object.entries(PRICES)) {
    await sql`update pipeline_steps set credits = ${credits} where name = ${step}`;
  }
  await numberIds(sql);
}

/**
 * Makes the ids of jobs count up. Procedures go through jobs in the order of their ids, and that order must be the same in
 * each run of a seed.
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
