import type { Work } from "../database/records.ts";
import type { SeenRuns } from "../database/jobs.ts";
import { errorText } from "../runtime/log.ts";
import type { ProviderRun, RunState, VideoProvider } from "../providers/provider.ts";
import type { Tools } from "./context.ts";

const CALL_LIMIT_MS = 10_000;

/** As much of a job's work as its run is found by. */
type RunOfWork = Pick<Work, "job_id" | "attempt" | "provider_job_id"> & {
  step: Pick<Work["step"], "provider" | "model" | "output">;
};

/** Asks the provider for the state of the work's run. Throws what the provider's adapter throws. */
export async function look(tools: Tools, work: Work): Promise<RunState> {
  const { provider, run } = runOf(tools, work);
  return await tools.phases.measure(
    "provider",
    () => provider.check(run, { signal: AbortSignal.timeout(CALL_LIMIT_MS) }),
  );
}

/** Asks the providers what these runs are doing. Never throws. */
export async function lookAtAll(tools: Tools, works: Work[]): Promise<SeenRuns> {
  return Object.fromEntries(
    await Promise.all(works.map(async (work) => {
      try {
        return [work.provider_job_id, (await look(tools, work)).state];
      } catch (error) {
        tools.log("warn", "check_failed", { job_id: work.job_id, attempt: work.attempt, error: errorText(error) });
        return [work.provider_job_id, "unknown"];
      }
    })),
  );
}

/**
 * Asks the provider to stop a run that nobody waits for. Never throws: what it bills all the same is our loss. Whether the
 * provider answered.
 */
export async function cancelRun(tools: Tools, work: RunOfWork): Promise<boolean> {
  const facts = { job_id: work.job_id, attempt: work.attempt, provider_job_id: work.provider_job_id };
  try {
    const { provider, run } = runOf(tools, work);
    const cancelled = await tools.phases.measure(
      "provider",
      () => provider.cancel(run, { signal: AbortSignal.timeout(CALL_LIMIT_MS) }),
    );
    tools.log("info", "run_cancelled", { ...facts, cancelled });
    return true;
  } catch (error) {
    tools.log("warn", "cancel_failed", { ...facts, error: errorText(error) });
    return false;
  }
}

function runOf(tools: Tools, work: RunOfWork): { provider: VideoProvider; run: ProviderRun } {
  if (work.provider_job_id === null) throw new Error(`Attempt ${work.attempt} has no run to ask about`);
  return {
    provider: tools.providers.get(work.step.provider),
    run: {
      model: work.step.model,
      providerJobId: work.provider_job_id,
      ...(work.step.output ? { outputPath: work.step.output } : {}),
    },
  };
}
