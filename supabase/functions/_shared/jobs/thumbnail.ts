import type { Artifact, LeasedJob } from "../database/records.ts";
import {
  giveUpThumbnail,
  leaseDueThumbnails,
  postponeThumbnail,
  recordThumbnail,
  recordThumbnailRun,
} from "../database/thumbnails.ts";
import type { ProviderError, RunState } from "../providers/provider.ts";
import { keepAlive } from "../runtime/background.ts";
import { errorText } from "../runtime/log.ts";
import { backoffSeconds } from "./backoff.ts";
import type { JobContext } from "./context.ts";
import { deleteThumbnail, storeThumbnail } from "./files.ts";
import { cancelRun, checkRun } from "./runs.ts";
import { submitAttempt } from "./submit.ts";

/** Thumbnails of one call of the worker: a picture is small, and the videos of others come first. */
const MAX_THUMBNAILS = 20;
/** Together a hundred: the CPU of a hosted request ends at 2 s, and most of it is for videos. */
const MAX_TURNS = 5;
/** No thumbnail is leased after this time: the platform ends a request at 150 s. */
const LEASE_FOR_MS = 40_000;
const RETRY_BACKOFF = { base: 4, cap: 60 };
/** Taking a frame takes some seconds. */
const CHECK_SECONDS = 3;
/** Ten times until it is given up. */
const COPY_AGAIN_SECONDS = 60;

/** Makes the thumbnail of a video that is delivered now, in the background: nobody waits for it. */
export function beginThumbnail(context: JobContext, leased: LeasedJob): void {
  keepAlive(tryThumbnail(context, leased));
}

/** Does what is due for the thumbnails of delivered videos. Never throws. */
export async function advanceDueThumbnails(context: JobContext): Promise<void> {
  try {
    const until = performance.now() + LEASE_FOR_MS;
    for (let turn = 0; turn < MAX_TURNS && performance.now() < until; turn++) {
      const leased = await leaseDueThumbnails(context, MAX_THUMBNAILS);
      await Promise.all(leased.map((one) => tryThumbnail(context, one)));
      if (leased.length < MAX_THUMBNAILS) return;
    }
  } catch (error) {
    context.log("error", "lease_failed", { error: errorText(error) });
  }
}

async function tryThumbnail(context: JobContext, leased: LeasedJob): Promise<void> {
  try {
    await advanceThumbnail(context, leased);
  } catch (error) {
    // It is due again when its lease ends.
    context.log("error", "thumbnail_not_advanced", { job_id: leased.job_id, error: errorText(error) });
  }
}

/** Does the next action of a leased thumbnail. The process may be killed at any point. Throws `DatabaseError`. */
export async function advanceThumbnail(context: JobContext, leased: LeasedJob): Promise<void> {
  switch (leased.action) {
    case "submit":
      return await submit(context, leased);
    case "check":
      return await check(context, leased);
    case "store":
      return await store(context, leased, leased.artifacts.thumbnail);
    case "expire":
    case "give_up":
      return await giveUp(context, leased, { code: leased.action, runIsOver: false });
  }
}

async function submit(context: JobContext, leased: LeasedJob): Promise<void> {
  const submission = await submitAttempt(context, leased);
  // Unknown: the lease has set the time when the next attempt may be made.
  if (submission.outcome === "refused") await retryOrGiveUp(context, leased, submission.error);
  if (submission.outcome !== "accepted") return;
  const { providerJobId } = submission;
  if (!await recordThumbnailRun(context, leased, providerJobId)) {
    // The video was deleted meanwhile.
    await cancelRun(context, { ...leased, provider_job_id: providerJobId });
  }
}

async function check(context: JobContext, leased: LeasedJob): Promise<void> {
  let run: RunState;
  try {
    run = await checkRun(context, leased);
  } catch (error) {
    context.log("warn", "check_failed", { job_id: leased.job_id, attempt: leased.attempt, error: errorText(error) });
    return await lookAgain(context, leased);
  }
  switch (run.state) {
    case "queued":
    case "running":
      return await lookAgain(context, leased);
    case "failed":
      return await retryOrGiveUp(context, leased, run.error);
    case "succeeded": {
      const url = run.media.image_url;
      if (url === undefined) return await giveUp(context, leased, { code: "no_media", runIsOver: true });
      return await store(context, leased, { url, provider: leased.step.provider });
    }
  }
}

async function lookAgain(context: JobContext, leased: LeasedJob): Promise<void> {
  await postponeThumbnail(context, leased, { seconds: CHECK_SECONDS, runIsOver: false });
}

async function retryOrGiveUp(context: JobContext, leased: LeasedJob, error: ProviderError): Promise<void> {
  if (error.kind !== "retryable" || leased.attempts_left <= 0) {
    return await giveUp(context, leased, { code: error.code, runIsOver: true });
  }
  const seconds = backoffSeconds(leased.attempts_of_step, RETRY_BACKOFF, context.random);
  await postponeThumbnail(context, leased, { seconds, runIsOver: true });
}

async function giveUp(
  context: JobContext,
  leased: LeasedJob,
  { code, runIsOver }: { code: string; runIsOver: boolean },
): Promise<void> {
  context.log("warn", "thumbnail_given_up", { job_id: leased.job_id, attempt: leased.attempt, code });
  await giveUpThumbnail(context, leased, { runIsOver });
}

/**
 * Copies the picture and shows it; where it cannot be copied, it is shown from the provider's own address, or copied again
 * later if that address is private.
 */
async function store(context: JobContext, leased: LeasedJob, made: Artifact | undefined): Promise<void> {
  if (made === undefined) throw new Error(`No step made a thumbnail of ${leased.job_id}`);
  // A picture of private files is private too, as its video is: see `deliver`.
  const copies = context.environment.VIDEO_STORAGE === "supabase" || !leased.files_are_public;
  const stored = copies
    ? await storeThumbnail(context, { ...leased, artifacts: { ...leased.artifacts, thumbnail: made } })
    : {};
  if (stored.thumbnail === undefined && !leased.files_are_public) {
    return await postponeThumbnail(context, leased, { seconds: COPY_AGAIN_SECONDS, runIsOver: false });
  }
  const recorded = await recordThumbnail(context, leased, { url: made.url, path: stored.thumbnail });
  // Deleted meanwhile: the picture must not stay.
  if (!recorded.applied && recorded.job === null) await deleteThumbnail(context, leased);
}
