import { artifactsOf, checkClientCaches, checkDeadlines, checkEnd, checkGone } from "./invariants.ts";
import { countOutcomes } from "./outcomes.ts";
import type { User } from "../model/user.ts";
import { paidRuns } from "../world/paid-runs.ts";
import { checkUploads } from "./uploads.ts";
import { Violation } from "../runtime/violation.ts";
import type { World } from "../world/world.ts";

const TICK_MS = 10_000;
/** While only copies of videos are missing: longer than the pause between two tries. */
const COPY_PAUSE_MS = 900_000;
const MOST_COPY_TICKS = 200;
/** Longer than a thumbnail is tried, with the time in which a lost submission may still report itself. */
const MOST_THUMBNAIL_TICKS = 80;
/** Longer than the pause before the last of the five tries to cancel a run. */
const CANCEL_PAUSE_MS = 300_000;
const MOST_CANCEL_TICKS = 10;
/** A little more than a worker may take to copy a video (see `app_settings`). */
const COPY_LEASE_MS = 301_000;
/** Each purge but the first is for videos that have reached their retention since the last one. */
const MOST_PURGES = 5;

/** The operations that the end of a run needs. Each is finished when its promise resolves. */
export interface Driver {
  pass(milliseconds: number): Promise<void>;
  /** Resolves to whether due jobs wait for another tick. */
  tick(): Promise<boolean>;
  purge(): Promise<void>;
  sync(user: User): Promise<void>;
  erase(user: User): Promise<void>;
}

/** Lets the worker tick without faults until no work is left, then checks all that must hold at the end. */
export async function runToQuiescence(world: World, driver: Driver, leaving: readonly User[]): Promise<void> {
  async function tick(milliseconds: number): Promise<void> {
    await driver.pass(milliseconds);
    const hasMoreDue = await driver.tick();
    if (!hasMoreDue) await checkDeadlines(world);
  }
  // A user whose deletion failed because of a fault asks again.
  for (const user of leaving.filter(({ goneSince }) => goneSince === Infinity)) await driver.erase(user);
  const end = world.clock.now() + await longestWait(world);
  while (await openJobs(world) > 0) {
    if (world.clock.now() > end + TICK_MS) throw new Violation("A job is open past its deadline, its lease and a tick");
    await tick(TICK_MS);
  }
  for (let ticks = 0; ticks < MOST_COPY_TICKS && await owedCopies(world) > 0; ticks++) await tick(COPY_PAUSE_MS);
  for (let ticks = 0; ticks < MOST_THUMBNAIL_TICKS && await openThumbnails(world) > 0; ticks++) await tick(TICK_MS);
  for (let ticks = 0; ticks < MOST_CANCEL_TICKS && await runsToCancel(world) > 0; ticks++) await tick(CANCEL_PAUSE_MS);
  // The purge lists the files of a deletion again when no worker can still write them. It also deletes expired videos.
  for (let purges = 0; purges < MOST_PURGES && (purges === 0 || await filesToDelete(world) > 0); purges++) {
    await driver.pass(COPY_LEASE_MS);
    await driver.purge();
  }
  await driver.pass(1000);
  for (const user of world.users) if (user.cache.used && !user.leaving) await driver.sync(user);

  await checkEnd(world);
  await checkUploads(world);
  await checkClientCaches(world);
  await checkGone(world, leaving);
  const runs = paidRuns(world);
  world.submissions.check(runs);
  world.submissions.checkArtifacts(runs, await artifactsOf(world));
  await countOutcomes(world);
}

async function openJobs({ sql }: World): Promise<number> {
  const [row] = await sql`select count(*)::integer as count from video_jobs where completed_at is null`;
  return Number(row?.count);
}

async function owedCopies({ sql }: World): Promise<number> {
  const [row] = await sql`select count(*)::integer as count from private.job_queue where next_check_at is not null`;
  return Number(row?.count);
}

async function openThumbnails({ sql }: World): Promise<number> {
  const [row] = await sql`select count(*)::integer as count from private.thumbnail_work`;
  return Number(row?.count);
}

async function runsToCancel({ sql }: World): Promise<number> {
  const [row] = await sql`select count(*)::integer as count from private.runs_to_cancel`;
  return Number(row?.count);
}

async function filesToDelete({ sql }: World): Promise<number> {
  const [row] = await sql`select count(*)::integer as count from private.files_to_delete`;
  return Number(row?.count);
}

/** The time until every open job is past its deadline, and past the lease of a worker that may have died. */
async function longestWait({ sql }: World): Promise<number> {
  const [row] = await sql`
    select coalesce(max(extract(epoch from greatest(deadline_at, lease_until) - private.clock())), 0) as seconds
    from private.job_queue join video_jobs using (job_id) where completed_at is null
  `;
  return Math.max(0, Number(row?.seconds)) * 1000;
}
