/** One HTTP request to fal per call, whatever comes back. */

/** What fal answered; `body` is the parsed JSON, or the text where it was none. */
export interface FalAnswer {
  status: number;
  headers: Headers;
  body: unknown;
}

/**
 * An answer outside 2xx. `@fal-ai/client` re-sends a request, a paid one too, when it sees its own `ApiError` or a network
 * failure anywhere in the chain of causes, and no setting of its stops that. So this class and `FalSilence` are neither,
 * and never carry a `cause`, a `code` or a `TypeError`.
 */
export class FalRefusal extends Error {
  override readonly name = "FalRefusal";
  constructor(readonly answer: FalAnswer) {
    super(`fal answered ${answer.status}`);
  }
}

/** No whole answer came. */
export class FalSilence extends Error {
  override readonly name = "FalSilence";
  constructor(
    readonly detail: string,
    /** Whether the caller's signal ended the wait. */
    readonly aborted: boolean,
    /** Whether fal may have received the request. */
    readonly mayHaveArrived: boolean,
  ) {
    super(`fal did not answer: ${detail}`);
  }
}

/** A `fetch` for `@fal-ai/client` that reads the whole answer itself and throws the two errors above. */
export function createFalFetch(send: typeof fetch): typeof fetch {
  return async (input: URL | RequestInfo, init?: RequestInit): Promise<Response> => {
    const signal = init?.signal ?? undefined;
    if (signal?.aborted) throw new FalSilence(describe(signal.reason), true, false);
    const answer = await read(send, input, init).catch((error: unknown) => {
      const detail = describe(error);
      // hyper's word for a failure before the first byte of the request: name, connection or TLS (Deno 2.1 and 2.9).
      throw new FalSilence(detail, signal?.aborted ?? false, !detail.includes("client error (Connect)"));
    });
    if (answer.status < 200 || answer.status > 299) throw new FalRefusal(answer);
    return Response.json(answer.body, { headers: requestIdOf(answer) });
  };
}

async function read(send: typeof fetch, input: URL | RequestInfo, init?: RequestInit): Promise<FalAnswer> {
  // A followed redirect would be a second request, with the input in it.
  const response = await send(input, { ...init, ...sentOnce(init?.body), redirect: "manual" });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parse(text) };
}

/**
 * The body as a stream, which can be read only once. A body that it holds as a whole Deno 2.9 sends again by itself when a
 * kept-alive connection breaks before the answer, a POST too: https://github.com/denoland/deno/pull/32566.
 */
function sentOnce(body: BodyInit | null | undefined): RequestInit & { duplex?: "half" } {
  if (typeof body !== "string") return {};
  return { body: ReadableStream.from([new TextEncoder().encode(body)]), duplex: "half" };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function requestIdOf(answer: FalAnswer): Record<string, string> {
  const requestId = answer.headers.get("x-fal-request-id");
  return requestId ? { "x-fal-request-id": requestId } : {};
}

/** The error's words and those of its cause, without URLs: a submission's URL holds the token of our webhook. */
function describe(error: unknown): string {
  const words = error instanceof Error && error.cause instanceof Error
    ? `${error.message}: ${error.cause.message}`
    : String(error);
  return words.replaceAll(/https?:\/\/[^\s)]+/g, "(url)");
}
