/** Thumbnails of delivered videos. Each function calls the procedure of its name and throws `DatabaseError`. */

import { z } from "zod";
import { attemptOf } from "./attempts.ts";
import { callProcedure, type DatabaseContext } from "./client.ts";
import { type Change, changeSchema, LEASE_SECONDS, type LeasedJob, leasedJobSchema, readableJobs } from "./records.ts";
import type { Log } from "../runtime/log.ts";

/** Leases up to `limit` due thumbnails. */
export async function leaseDueThumbnails(
  context: DatabaseContext & { log: Log },
  limit: number,
): Promise<LeasedJob[]> {
  const rows = await callProcedure(context, z.array(z.unknown()), "lease_due_thumbnails", {
    p_limit: limit,
    p_lease_seconds: LEASE_SECONDS,
  });
  return readableJobs(context.log, leasedJobSchema, rows);
}

/** Records an accepted submission; false if nobody waits for the run. */
export async function recordThumbnailRun(
  context: DatabaseContext,
  leased: LeasedJob,
  providerJobId: string,
): Promise<boolean> {
  return await callProcedure(context, z.boolean(), "record_thumbnail_run", {
    ...attemptOf(leased),
    p_provider_job_id: providerJobId,
  });
}

/** Has a thumbnail looked at again after the delay; after a run that is over, by another attempt. */
export async function postponeThumbnail(
  context: DatabaseContext,
  leased: LeasedJob,
  wait: { seconds: number; runIsOver: boolean },
): Promise<void> {
  await callProcedure(context, z.unknown(), "postpone_thumbnail", {
    ...attemptOf(leased),
    p_delay_seconds: wait.seconds,
    p_run_is_over: wait.runIsOver,
  });
}

/** The video stays without a thumbnail. */
export async function giveUpThumbnail(
  context: DatabaseContext,
  leased: LeasedJob,
  run: { runIsOver: boolean },
): Promise<void> {
  await callProcedure(context, z.unknown(), "give_up_thumbnail", {
    ...attemptOf(leased),
    p_run_is_over: run.runIsOver,
  });
}

/** Shows our copy, or without a path the provider's own address. */
export async function recordThumbnail(
  context: DatabaseContext,
  leased: LeasedJob,
  thumbnail: { url: string; path?: string | undefined },
): Promise<Change> {
  return await callProcedure(context, changeSchema, "record_thumbnail", {
    ...attemptOf(leased),
    p_url: thumbnail.url,
    ...(thumbnail.path === undefined ? {} : { p_path: thumbnail.path }),
  });
}
