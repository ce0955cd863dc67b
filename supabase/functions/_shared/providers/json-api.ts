/** A provider's JSON API over plain `fetch`: one HTTP request a call; every failure is a `ProviderError`. */

import { isCertainRefusal, requestError } from "./error-class.ts";
import { type CallOptions, ProviderError } from "./provider.ts";
import { type HttpAnswer, isSuccess, sendOnce } from "./send-once.ts";

export interface JsonApiConfig {
  baseUrl: string;
  /** Sent with every request; they hold the key. */
  headers: Readonly<Record<string, string>>;
  /** What an answer outside 2xx means. */
  classify(answer: HttpAnswer): ProviderError;
  fetch: typeof fetch;
}

/** The outcome of a free request: the body of a 2xx answer, or the whole answer of any other status. */
export type Reply<Value = unknown> = { value: Value } | { errorAnswer: HttpAnswer };

export interface JsonApi {
  /**
   * Sends a paid request, exactly once, and returns the body of the 2xx answer. Throws `ProviderError`, whose
   * `mayHaveStarted` says whether a run may have started in spite of it.
   */
  submit(path: string, body: unknown, options: CallOptions): Promise<unknown>;
  /** Sends a free request, once. Throws a retryable `ProviderError` where no whole answer came. */
  ask(method: "GET" | "POST", path: string, options: CallOptions): Promise<Reply>;
}

/** Paths are appended to `baseUrl`, with or without its last slash. */
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
        throw requestError(error, true);
      });
      if (isSuccess(answer)) return answer.body;
      const { kind, code, detail, facts } = classify(answer);
      throw new ProviderError(kind, code, detail, !isCertainRefusal(answer.status), facts);
    },
    async ask(method, path, { signal }) {
      const answer = await sendOnce(send, `${base}${path}`, { method, headers, signal }).catch((error: unknown) => {
        throw requestError(error, false);
      });
      return isSuccess(answer) ? { value: answer.body } : { errorAnswer: answer };
    },
  };
}
