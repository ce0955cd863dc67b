/** The circuit breaker of each provider. */

import { z } from "zod";
import { callProcedure, type DatabaseContext } from "./client.ts";
import type { LeasedJob } from "./records.ts";

/** What a submission says about its provider's health. `answered`: any answer; `not_sent`: nothing. */
export type ProviderAnswer = "answered" | "failed" | "account_refused" | "not_sent";

/** Records a provider's answer. True when it has just opened the circuit. Throws `DatabaseError`. */
export async function recordProviderAnswer(
  context: DatabaseContext,
  leased: LeasedJob,
  answer: ProviderAnswer,
): Promise<boolean> {
  return await callProcedure(context, z.boolean(), "record_provider_answer", {
    p_provider: leased.step.provider,
    p_answer: answer,
    p_job_id: leased.job_id,
  });
}
