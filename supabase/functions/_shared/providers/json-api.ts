/** A provider's JSON API over plain `fetch`: one HTTP request a call, and every trouble told as a `ProviderError`. */

import { type HttpAnswer, isSuccess, NoResponse, sendOnce } from "./send-once.ts";
import { isCertainRefusal } from "./error-class.ts";
import { type CallOptions, ProviderError } from "./provider.ts";

export interface JsonApiConfig {
  baseUrl: string;
  /** Sent with every request; they hold the key. */
  headers: Readonly<Record<string, string>>;
  /** What an answer outside 2xx means. */
  classify(answer: HttpAnswer): ProviderError;
  fetch: typeof fetch;
}

/** What a free call brought: the body of a 2xx answer, or the answer that was none. */
export type Reply = { value: unknown } | { refusal: HttpAnswer };

export interface JsonApi {
  /** A paid request, sent exactly once: the body of the 2xx answer. Every `ProviderError` says whether it may have started. */
  submit(path: string, body: unknown, options: CallOptions): Promise<unknown>;
  /** A free request. Throws a retryable `ProviderError` where no whole answer came. */
  ask(method: "GET" | "POST", path: string, options: CallOptions): Promise<Reply>;
}

export function createJsonApi({ baseUrl, headers, classify, fetch: send }: JsonApiConfig): JsonApi {
  const base = baseUrl.replace(/\/+$/, "");
  return {
    async submit(path, body, { signal }) {
      const request = {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(body),
        signal,
      };
      const answer = await sendOnce(send, `${base}${path}`, request).catch((error: unknown) => {
        throw silence(error, true);
      });
      if (isSuccess(answer)) return answer.body;
      const { kind, code, detail, facts } = classify(answer);
      throw new ProviderError(kind, code, detail, !isCertainRefusal(answer.status), facts);
    },
    async ask(method, path, { signal }) {
      const answer = await sendOnce(send, `${base}${path}`, { method, headers, signal }).catch((error: unknown) => {
        throw silence(error, false);
      });
      return isSuccess(answer) ? { value: answer.body } : { refusal: answer };
    },
  };
}

function silence(error: unknown, isPaid: boolean): ProviderError {
  if (!(error instanceof NoResponse)) return badAnswerError(String(error), isPaid);
  const code = error.aborted ? "provider_timeout" : "provider_unreachable";
  return new ProviderError("retryable", code, error.detail, isPaid && error.mayHaveArrived);
}

/** An answer that cannot be understood: never a verdict, and behind a submission's a run may have started. */
export function badAnswerError(detail: string, mayHaveStarted = false): ProviderError {
  return new ProviderError("retryable", "provider_bad_answer", detail, mayHaveStarted);
}

/** A look that told nothing about the run. Only a locked account or a bad key is worth telling apart. */
export function transient({ kind, code, detail, facts }: ProviderError): ProviderError {
  return new ProviderError(kind === "fatal" ? "fatal" : "retryable", code, detail, false, facts);
}

/** Enough to find the cause, not so much that a stack trace floods the log. */
const MAX_DETAIL = 500;

/** Words for the log, on one line and of a bounded length. */
export function toLogLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().slice(0, MAX_DETAIL);
}
