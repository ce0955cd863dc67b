import type { LeasedJob } from "../database/records.ts";
import type { RunStates } from "../database/videos.ts";
import { errorText } from "../runtime/log.ts";
import type { ProviderRun, RunState, VideoProvider } from "../providers/provider.ts";
import type { JobContext } from "./context.ts";

const CALL_LIMIT_MS = 10_000;

/** The part of a leased job that identifies its run at the provider. */
type LeasedRun = Pick<LeasedJob, "job_id" | "attempt" | "provider_job_id"> & {
  step: Pick<LeasedJob["step"], "provider" | "model" | "output">;
};

/** Asks the provider for the state of the job's run. Throws what the adapter throws. */
export async function checkRun(context: JobContext, leased: LeasedJob): Promise<RunState> {
  const { provider, run } = await runOf(context, leased);
  return await context.timing.measure(
    "provider",
    () => provider.check(run, { signal: AbortSignal.timeout(CALL_LIMIT_MS) }),
  );
}

/** Asks the providers for the states of these runs. Never throws. */
export async function checkRuns(context: JobContext, leasedJobs: LeasedJob[]): Promise<RunStates> {
  return Object.fromEntries(
    await Promise.all(leasedJobs.map(async (leased) => {
      try {
        return [leased.provider_job_id, (await checkRun(context, leased)).state];
      } catch (error) {
        context.log("warn", "check_failed", {
          job_id: leased.job_id,
          attempt: leased.attempt,
          error: errorText(error),
        });
        return [leased.provider_job_id, "unknown"];
      }
    })),
  );
}

/**
 * Asks the provider to stop a run that no job needs any more, and returns whether the provider answered. Never throws: the
 * user is already refunded, and we pay what the provider still bills.
 */
export async function cancelRun(context: JobContext, leased: LeasedRun): Promise<boolean> {
  const facts = { job_id: leased.job_id, attempt: leased.attempt, provider_job_id: leased.provider_job_id };
  try {
    const { provider, run } = await runOf(context, leased);
    const cancelled = await context.timing.measure(
      "provider",
      () => provider.cancel(run, { signal: AbortSignal.timeout(CALL_LIMIT_MS) }),
    );
    context.log("info", "run_cancelled", { ...facts, cancelled });
    return true;
  } catch (error) {
    context.log("warn", "cancel_failed", { ...facts, error: errorText(error) });
    return false;
  }
}

async function runOf(context: JobContext, leased: LeasedRun): Promise<{ provider: VideoProvider; run: ProviderRun }> {
  if (leased.provider_job_id === null) throw new Error(`Attempt ${leased.attempt} has no run`);
  return {
    provider: await context.providers.get(leased.step.provider),
    run: {
      model: leased.step.model,
      providerJobId: leased.provider_job_id,
      ...(leased.step.output ? { outputPath: leased.step.output } : {}),
    },
  };
}
