import { postpone, scheduleRetry } from "../database/attempts.ts";
import type { Job, LeasedJob } from "../database/records.ts";
import { backoffSeconds } from "./backoff.ts";
import { ProviderError } from "../providers/provider.ts";
import type { JobContext } from "./context.ts";

/** A refused submission or a failed run is retried within minutes: the user waits for the video. */
const RETRY_BACKOFF = { base: 4, cap: 120 };
/** A failed check costs nothing to repeat. */
const CHECK_BACKOFF = { base: 2, cap: 60 };
/** The longest `Retry-After` that is obeyed: a job has a deadline. */
const MAX_WAIT_SECONDS = 300;

type RetryContext = Pick<JobContext, "client" | "timing" | "log" | "random">;

/** Whether the provider works, but asks for fewer requests. */
export function isBackPressure(error: ProviderError): boolean {
  return error.kind === "retryable" && error.facts.status === 429;
}

/** Ends the current attempt; the next one follows later. */
export async function retryLater(context: RetryContext, leased: LeasedJob, error: ProviderError): Promise<Job | null> {
  const delay = requestedWait(error) + backoffSeconds(leased.attempts_of_step, RETRY_BACKOFF, context.random);
  context.log("warn", "attempt_failed", {
    job_id: leased.job_id,
    attempt: leased.attempt,
    code: error.code,
    detail: error.detail,
    retry_in_seconds: delay,
  });
  return (await scheduleRetry(context, leased, delay)).job;
}

/** Repeats a failed check later. */
export async function checkAgainLater(context: RetryContext, leased: LeasedJob, error: unknown): Promise<Job | null> {
  const delay = requestedWait(error) + backoffSeconds(leased.failures, CHECK_BACKOFF, context.random);
  return (await postpone(context, leased, delay)).job;
}

/** The provider's `Retry-After`. The backoff is added to it: jobs that were refused together must not return together. */
function requestedWait(error: unknown): number {
  const asked = error instanceof ProviderError ? error.facts.retryAfterSeconds ?? 0 : 0;
  return Math.min(asked, MAX_WAIT_SECONDS);
}
