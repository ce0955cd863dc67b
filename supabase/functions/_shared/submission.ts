import type { Job, Work } from "./job-records.ts";
import { errorText } from "./log.ts";
import { cancelRun } from "./provider-run.ts";
import { ProviderError, type VideoProvider } from "./providers/provider.ts";
import { resolveInput } from "./step-input.ts";
import type { Tools } from "./tools.ts";
import { webhookUrl } from "./webhook-token.ts";

/** Longer than any provider takes to queue a request; an answer that comes later counts as lost. */
const SUBMIT_LIMIT_MS = 25_000;

/** What became of one submission. `unknown`: it may run and be billed although nobody told us. */
export type SubmissionOutcome =
  | { outcome: "accepted"; providerJobId: string }
  | { outcome: "refused"; error: ProviderError }
  | { outcome: "unknown" };

/**
 * Sends the current attempt to its provider, once, and tells which of the three things happened. Trouble that is the
 * provider's own is counted against it. Never throws.
 */
export async function submitAttempt(tools: Tools, work: Work): Promise<SubmissionOutcome> {
  const { step } = work;
  const facts = {
    job_id: work.job_id,
    attempt: work.attempt,
    step: step.name,
    provider: step.provider,
    age_ms: work.age_ms,
  };
  try {
    const provider = tools.providers.get(step.provider);
    const submission = {
      model: step.model,
      input: await resolveInput(tools, work),
      startWithinSeconds: work.start_within_seconds,
      ...(await webhookOf(tools, provider, work)),
    };
    const run = await tools.phases.measure(
      "provider",
      () => provider.submit(submission, { signal: AbortSignal.timeout(SUBMIT_LIMIT_MS) }),
    );
    tools.log("info", "submission_accepted", { ...facts, provider_job_id: run.providerJobId });
    return { outcome: "accepted", providerJobId: run.providerJobId };
  } catch (error) {
    if (error instanceof ProviderError && !error.mayHaveStarted) {
      const level = error.kind === "fatal" ? "alert" : "warn";
      tools.log(level, "submission_refused", { ...facts, code: error.code, detail: error.detail });
      if (error.kind !== "rejected") await countFailure(tools, work, error);
      return { outcome: "refused", error };
    }
    tools.log("warn", "submission_unknown", { ...facts, error: errorText(error) });
    await countFailure(tools, work, null);
    return { outcome: "unknown" };
  }
}

/**
 * Notes an accepted submission. A run that its job no longer waits for (it was cancelled meanwhile, or another attempt was
 * faster) is stopped and told to the operator. Throws `DatabaseError`: then the run is unknown, and its webhook adopts it.
 */
export async function recordAccepted(tools: Tools, work: Work, providerJobId: string): Promise<Job | null> {
  const recorded = await tools.jobs.recordSubmission(work, providerJobId);
  if (!recorded.applied) {
    tools.log("alert", "run_wasted", { job_id: work.job_id, attempt: work.attempt, provider_job_id: providerJobId });
    await cancelRun(tools, { ...work, provider_job_id: providerJobId });
  }
  return recorded.job;
}

async function webhookOf(
  tools: Tools,
  provider: VideoProvider,
  work: Work,
): Promise<{ webhookUrl?: string }> {
  const base = tools.environment.PUBLIC_FUNCTIONS_URL;
  if (base === undefined || provider.webhook === undefined) return {};
  return { webhookUrl: await webhookUrl(base, work.step.provider, { jobId: work.job_id, attempt: work.attempt }) };
}

/** Counts towards the provider's circuit; nothing about the job depends on it. */
async function countFailure(tools: Tools, work: Work, error: ProviderError | null): Promise<void> {
  // A model that is gone is that model's trouble, and an input that cannot be read is ours: not the provider's.
  if (error?.code === "provider_model_missing" || error?.code === "input_unavailable") return;
  const { provider } = work.step;
  try {
    const opened = await tools.jobs.recordProviderFailure(provider, error?.kind === "fatal");
    if (opened) tools.log("alert", "circuit_opened", { provider, code: error?.code });
  } catch (failure) {
    tools.log("error", "circuit_not_recorded", { provider, error: errorText(failure) });
  }
}
