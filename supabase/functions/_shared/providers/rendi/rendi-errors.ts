/** What Rendi's errors mean for a job: https://docs.rendi.dev/api-reference/endpoint/poll-command */

import { z } from "zod";
import { classOfStatus, type ErrorClass, fatal, rejected, retryable, toLogLine } from "../error-class.ts";
import { ProviderError } from "../provider.ts";
import { factsOf, type HttpAnswer } from "../send-once.ts";

/** `detail` is a sentence, or a list of what is wrong with the request. */
const errorBody = z.object({ detail: z.union([z.string(), z.array(z.unknown())]) });

/** The error of an answer outside 2xx. */
export function classifyRendi(answer: HttpAnswer): ProviderError {
  const detail = detailOf(answer);
  // An account that may only run samples, or has used up what it pays for: every command would be refused.
  const isAboutAccount = (answer.status === 402 || answer.status === 403) &&
    /\b(sample mode|quota|plan|subscription|billing)\b/i.test(detail);
  const { kind, code } = isAboutAccount ? fatal("provider_locked") : classOfStatus(answer.status);
  return new ProviderError(kind, code, toLogLine(`HTTP ${answer.status} ${detail}`), false, factsOf(answer));
}

/** Whether Rendi says that it does not know the command; a bare "Not Found" is its router's. */
export function isGone(answer: HttpAnswer): boolean {
  return answer.status === 404 && errorBody.safeParse(answer.body).success && /\bcommand\b/i.test(detailOf(answer));
}

function detailOf({ body }: HttpAnswer): string {
  const found = errorBody.safeParse(body).data?.detail;
  if (found !== undefined) return typeof found === "string" ? found : JSON.stringify(found);
  return typeof body === "string" ? body : "";
}

/** Known values of `error_status`. */
const ERROR_STATUSES: ReadonlyMap<string, ErrorClass> = new Map([
  ["UNREACHABLE_INPUT_FILE", retryable("input_unavailable")],
  ["TIMEOUT", retryable("provider_timeout")],
]);

/**
 * Sentences of ffmpeg that the same command would end with again. Not "rejected input": the user has written neither the
 * command nor the file, so it must not count as their refusal.
 */
const FINAL_TEXT = new RegExp(
  [
    "Invalid data found when processing input",
    "moov atom not found",
    "matches no streams",
    "does not contain any stream",
    "No such filter",
    "Unrecognized option",
    "Unknown encoder",
    "Error (re)?initializing (complex )?filter",
  ].join("|"),
  "i",
);

/** The error of a command that has failed. */
export function commandFailure(errorStatus: string, errorMessage: string): ProviderError {
  const known = ERROR_STATUSES.get(errorStatus);
  const { kind, code } = known ?? (FINAL_TEXT.test(errorMessage) ? rejected : retryable)("provider_error");
  return new ProviderError(kind, code, toLogLine(`${errorStatus} ${errorMessage}`) || "failed without a text");
}
