/** What the tests of several adapters need. Only tests import it, so it is not deployed. */

import assert from "node:assert/strict";
import {
  type CallOptions,
  type Media,
  ProviderError,
  type ProviderErrorCode,
  type ProviderErrorKind,
  type RunState,
} from "./provider.ts";

/** Options of a call that may take as long as it likes. */
export const noTimeout = (): CallOptions => ({ signal: new AbortController().signal });

/** A request as a test compares it: `body` is the parsed JSON, or null where there was none. */
export interface SentRequest {
  method: string;
  url: string;
  headers: Headers;
  body: unknown;
}

/** A `fetch` without a network: it answers as the test says, and `sent` lists what it was asked. */
export function fakeFetch(answer: (url: string) => Response | Promise<Response>): {
  send: typeof fetch;
  sent: SentRequest[];
} {
  const sent: SentRequest[] = [];
  return {
    sent,
    async send(input, init) {
      const request = new Request(input, init);
      const text = await request.text();
      const body: unknown = text === "" ? null : JSON.parse(text);
      sent.push({ method: request.method, url: request.url, headers: request.headers, body });
      request.signal.throwIfAborted();
      return await answer(request.url);
    },
  };
}

/** The `ProviderError` that a call throws. */
export async function errorOf(call: Promise<unknown>): Promise<ProviderError> {
  const error = await call.then(
    (value) => assert.fail(`no error but ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ProviderError, `not a ProviderError: ${error}`);
  return error;
}

/** The error that a run has failed with. */
export function failureOf(state: RunState): ProviderError {
  if (state.state !== "failed") assert.fail(`not failed but ${JSON.stringify(state)}`);
  return state.error;
}

/** The media that a run has made. */
export function mediaOf(state: RunState): Media {
  if (state.state !== "succeeded") assert.fail(`not succeeded but ${JSON.stringify(state)}`);
  return state.media;
}

/** An error class as one text: `rejected content_policy`. */
export type ErrorClassText = `${ProviderErrorKind} ${ProviderErrorCode}`;

export function classOf({ kind, code }: ProviderError): ErrorClassText {
  return `${kind} ${code}`;
}
