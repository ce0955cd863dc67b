import { recordSubmission } from "../database/attempts.ts";
import { type ProviderAnswer, recordProviderAnswer } from "../database/circuits.ts";
import type { Job, LeasedJob } from "../database/records.ts";
import { keepAlive } from "../runtime/background.ts";
import { errorText } from "../runtime/log.ts";
import { cancelRun } from "./runs.ts";
import { isBackPressure } from "./retry.ts";
import { ProviderError, type VideoProvider } from "../providers/provider.ts";
import { resolveInput } from "./step-input.ts";
import type { JobContext } from "./context.ts";
import { webhookUrl } from "./webhook-url.ts";

/** Longer than any provider takes to queue a request; an answer that comes later counts as lost. */
const SUBMIT_LIMIT_MS = 25_000;

/** The result of one submission. `unknown`: there was no answer; the run may exist and be billed. */
export type SubmissionOutcome =
  | { outcome: "accepted"; providerJobId: string }
  | { outcome: "refused"; error: ProviderError }
  | { outcome: "unknown" };

/**
 * Sends the current attempt to its provider, once, and records what the answer says about the provider's health. Never
 * throws.
 */
export async function submitAttempt(context: JobContext, leased: LeasedJob): Promise<SubmissionOutcome> {
  const { step } = leased;
  const facts = {
    job_id: leased.job_id,
    attempt: leased.attempt,
    step: step.name,
    provider: step.provider,
    age_ms: leased.age_ms,
  };
  let sent = false;
  try {
    const provider = await context.providers.get(step.provider);
    const submission = {
      model: step.model,
      input: await resolveInput(context, leased),
      startWithinSeconds: leased.start_within_seconds,
      ...(await webhookOf(context, provider, leased)),
    };
    sent = true;
    const run = await context.timing.measure(
      "provider",
      () => provider.submit(submission, { signal: AbortSignal.timeout(SUBMIT_LIMIT_MS) }),
    );
    context.log("info", "submission_accepted", { ...facts, provider_job_id: run.providerJobId });
    return { outcome: "accepted", providerJobId: run.providerJobId };
  } catch (error) {
    const answer = providerAnswerOf(error, sent);
    if (answer !== null) await recordAnswer(context, leased, answer);
    if (error instanceof ProviderError && !error.mayHaveStarted) {
      const level = error.kind === "fatal" ? "alert" : "warn";
      context.log(level, "submission_refused", { ...facts, code: error.code, detail: error.detail });
      return { outcome: "refused", error };
    }
    context.log("warn", "submission_unknown", { ...facts, error: errorText(error) });
    return { outcome: "unknown" };
  }
}

/**
 * Records an accepted submission. If the job no longer waits for this run (it was cancelled, or another attempt was
 * faster), the run is cancelled and the operator alerted. Throws `DatabaseError`: then the run is unknown, and its webhook
 * adopts it.
 */
export async function recordAccepted(
  context: JobContext,
  leased: LeasedJob,
  providerJobId: string,
): Promise<Job | null> {
  const recorded = await recordSubmission(context, leased, providerJobId);
  if (!recorded.applied) {
    context.log("alert", "run_wasted", {
      job_id: leased.job_id,
      attempt: leased.attempt,
      provider_job_id: providerJobId,
    });
    await cancelRun(context, { ...leased, provider_job_id: providerJobId });
    await recordAnswer(context, leased, "answered");
  }
  return recorded.job;
}

/** The pauses before the record of a submission is tried again, in milliseconds: nobody waits for it any more. */
const RECORD_PAUSES_MS = [1_000, 4_000];

/**
 * Records an accepted submission after the answer, which does not need it. Until then the job is what it was while the
 * provider was asked: a submission without an answer. Where the record fails too, the run's webhook adopts it, or the
 * worker makes another attempt after the grace time.
 */
export function recordLater(context: JobContext, leased: LeasedJob, providerJobId: string): void {
  keepAlive(recordPatiently(context, leased, providerJobId));
}

async function recordPatiently(context: JobContext, leased: LeasedJob, providerJobId: string): Promise<void> {
  for (const pause of [...RECORD_PAUSES_MS, null]) {
    try {
      await recordAccepted(context, leased, providerJobId);
      return;
    } catch (error) {
      const { job_id, attempt } = leased;
      context.log("error", "submission_not_recorded", { job_id, attempt, error: errorText(error) });
      if (pause === null) return;
      await context.pause(pause);
    }
  }
}

async function webhookOf(
  context: JobContext,
  provider: VideoProvider,
  leased: LeasedJob,
): Promise<{ webhookUrl?: string }> {
  const base = context.environment.PUBLIC_FUNCTIONS_URL;
  if (base === undefined || provider.webhook === undefined) return {};
  return {
    webhookUrl: await webhookUrl(base, leased.step.provider, { jobId: leased.job_id, attempt: leased.attempt }),
  };
}

/**
 * What a submission that was not accepted says about its provider's health; null where the circuit must not change. An
 * error of the request itself must not count: one user could open the circuit for all.
 */
function providerAnswerOf(error: unknown, sent: boolean): ProviderAnswer | null {
  if (!(error instanceof ProviderError)) return sent ? "failed" : "not_sent";
  const { status, notSent } = error.facts;
  // Not sent: the adapter says so, the registry has no such provider, or an input could not be read.
  const noSuchProvider = error.kind === "fatal" && error.code === "provider_model_missing";
  if (notSent || noSuchProvider || (!sent && error.kind !== "fatal")) return "not_sent";
  if (error.kind === "fatal") return "account_refused";
  if (isBackPressure(error)) return null;
  const isAnswer = error.kind === "rejected" || (status !== undefined && status >= 400 && status < 500);
  return isAnswer ? "answered" : "failed";
}

/** Errors are only logged: the job does not depend on the circuit. */
async function recordAnswer(context: JobContext, leased: LeasedJob, answer: ProviderAnswer): Promise<void> {
  const { provider } = leased.step;
  try {
    const opened = await recordProviderAnswer(context, leased, answer);
    if (opened) context.log("alert", "circuit_opened", { provider, answer });
  } catch (failure) {
    context.log("error", "circuit_not_recorded", { provider, answer, error: errorText(failure) });
  }
}
