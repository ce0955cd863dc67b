/** One HTTP request to fal per call, whatever comes back. */

import { type HttpAnswer, isSuccess, sendOnce } from "../send-once.ts";

export { type HttpAnswer, NoResponse } from "../send-once.ts";

/**
 * An answer outside 2xx. `@fal-ai/client` re-sends a request, a paid one too, when it sees its own `ApiError` or a network
 * failure anywhere in the chain of causes, and no setting of its stops that. So this class and `NoResponse` are neither,
 * and never carry a `cause`, a `code` or a `TypeError`.
 */
export class FalErrorAnswer extends Error {
  override readonly name = "FalErrorAnswer";
  constructor(readonly answer: HttpAnswer) {
    super(`fal answered ${answer.status}`);
  }
}

/** A `fetch` for `@fal-ai/client` that reads the whole answer itself and throws the two errors above. */
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
