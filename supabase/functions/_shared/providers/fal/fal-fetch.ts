/** A `fetch` that stops `@fal-ai/client` from sending a request again. */

import { type HttpAnswer, isSuccess, sendOnce } from "../send-once.ts";

/**
 * An answer outside 2xx. `@fal-ai/client` 1.10 sends a request again, a paid one too, when it finds its own `ApiError`
 * or a network error in the chain of causes, and no setting stops that. So this class and `NoResponse` are neither of
 * them, and never carry a `cause`, a `code` or a `TypeError`.
 */
export class FalErrorAnswer extends Error {
  override readonly name = "FalErrorAnswer";
  constructor(readonly answer: HttpAnswer) {
    super(`fal answered ${answer.status}`);
  }
}

/** Sends one request and reads the whole answer. Throws `FalErrorAnswer` and `NoResponse`. */
export function createFalFetch(send: typeof fetch): typeof fetch {
  return async (input: URL | RequestInfo, init?: RequestInit): Promise<Response> => {
    const answer = await sendOnce(send, input, init);
    if (!isSuccess(answer)) throw new FalErrorAnswer(answer);
    return Response.json(answer.body, { headers: requestIdOf(answer) });
  };
}

function requestIdOf(answer: HttpAnswer): Record<string, string> {
  const requestId = answer.headers.get("x-fal-request-id");
  return requestId ? { "x-fal-request-id": requestId } : {};
}
