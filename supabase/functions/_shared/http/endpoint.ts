import { authenticate } from "./authenticate.ts";
import { Alerts } from "../database/alerts.ts";
import { configurationProblem } from "../database/configuration.ts";
import { DatabaseError } from "../database/client.ts";
import { ConfigurationError } from "../runtime/environment.ts";
import { createLog, errorText, type Log } from "../runtime/log.ts";
import { type Language, preferredLanguage } from "../errors/languages.ts";
import { errorBody, refusalBody, RequestError, requestErrors } from "../errors/request-errors.ts";
import { MediaError } from "../storage/media-error.ts";
import { requireMethod } from "./method.ts";
import { pathBelow } from "./path.ts";
import { ServerTiming } from "../runtime/server-timing.ts";

/** What a handler gets with its request. */
export interface RequestContext {
  requestId: string;
  language: Language;
  timing: ServerTiming;
  log: Log;
  /** The verified user; empty where the endpoint needs none. */
  userId: string;
  /** Whether the request has an Idempotency-Key. */
  hasKey: boolean;
  /** Fields of the request's own log line; handlers add the job. */
  readonly logFields: { job_id?: string; code?: string | undefined };
}

/** Answers one request, or throws a `RequestError`. */
export type Handler<Context> = (context: Context, request: Request) => Promise<Response>;

/** `user`: a signed-in user's token. `secret`: the project's secret API key. `none`: the handler checks by itself. */
type Auth = "user" | "secret" | "none";

export interface EndpointOptions {
  name: string;
  methods: readonly string[];
  /** What callers must have; a function where that depends on the path. */
  auth: Auth | ((request: Request) => Auth);
  /** Whether the handler serves paths below the function's name; it then answers the unknown ones with 404 itself. */
  hasPaths?: boolean;
}

const CORS_HEADERS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Expose-Headers":
    "ETag, Link, Retry-After, Server-Timing, X-Idempotent-Replay, X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset",
};

/**
 * The entry of every function: CORS, request id, method, credentials, one JSON form for every error, timing and one log
 * line. A handler returns a response or throws a `RequestError`; any other error is logged and answered with one fixed
 * sentence.
 */
export function endpoint(
  options: EndpointOptions,
  handler: Handler<RequestContext>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const requestId = requestIdOf(request.headers.get("x-request-id"));
    const log = createLog({ function: options.name, request_id: requestId });
    const alerts = new Alerts(log);
    const context: RequestContext = {
      requestId,
      language: preferredLanguage(request.headers.get("accept-language")),
      timing: new ServerTiming(),
      log(level, event, fields = {}) {
        log(level, event, fields);
        if (level === "alert") alerts.add(event, { function: options.name, request_id: requestId, ...fields });
      },
      userId: "",
      hasKey: request.headers.has("idempotency-key"),
      logFields: {},
    };
    let response: Response;
    try {
      response = request.method === "OPTIONS"
        ? preflight(options)
        : await checkAndHandle(context, asGet(request), options, handler);
    } catch (error) {
      response = errorResponse(context, error);
    }
    if (request.method === "HEAD") response = new Response(null, response);
    for (const [name, value] of Object.entries(CORS_HEADERS)) {
      response.headers.set(name, value);
    }
    response.headers.set("X-Request-Id", requestId);
    response.headers.set("Server-Timing", context.timing.header());
    logRequest(context, request, response);
    alerts.flush();
    return response;
  };
}

function logRequest(context: RequestContext, request: Request, response: Response): void {
  context.log("info", "request", {
    method: request.method,
    status: response.status,
    ...context.logFields,
    ...(context.userId === "" ? {} : { user_id: context.userId }),
    timing: context.timing.header(),
  });
}

/** HEAD is answered as GET, without the body. */
function asGet(request: Request): Request {
  return request.method === "HEAD" ? new Request(request, { method: "GET" }) : request;
}

/** A JSON answer. */
export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(body, { status, headers: { "Cache-Control": "no-store", ...headers } });
}

async function checkAndHandle(
  context: RequestContext,
  request: Request,
  options: EndpointOptions,
  handler: Handler<RequestContext>,
): Promise<Response> {
  // Without this check a misspelt path would start and charge a video.
  if (!options.hasPaths && pathBelow(request).length > 0) throw new RequestError("not_found");
  requireMethod(request, ...options.methods);
  const auth = typeof options.auth === "function" ? options.auth(request) : options.auth;
  if (auth === "none") return await handler(context, request);

  const problem = configurationProblem();
  if (problem !== null) throw new ConfigurationError(problem);
  context.userId = await authenticate(context, request, auth);
  return await handler(context, request);
}

function errorResponse(context: RequestContext, thrown: unknown): Response {
  const error = toRequestError(context, thrown);
  context.logFields.code = error instanceof RequestError ? error.code : "internal_error";
  if (!(error instanceof RequestError)) {
    context.log("error", "internal_error", {
      error: errorText(error),
      stack: error instanceof Error ? error.stack : null,
    });
    return json(errorBody("internal_error", context.language, context.requestId), 500);
  }
  const { status } = requestErrors[error.code];
  return json(refusalBody(error, context), status, error.headers);
}

/** A database or Storage that does not answer, and a wrong configuration, are 503 with a time to try again. */
function toRequestError(context: RequestContext, error: unknown): unknown {
  if (error instanceof ConfigurationError) {
    context.log("alert", "configuration", { error: error.message });
    return new RequestError("unavailable", {}, { "Retry-After": "60" });
  }
  if (!(error instanceof MediaError || (error instanceof DatabaseError && error.unreachable))) return error;
  context.log("error", "unavailable", { error: errorText(error) });
  return new RequestError("unavailable", {}, { "Retry-After": "2" });
}

function preflight(options: EndpointOptions): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "Access-Control-Allow-Methods": [...options.methods, "OPTIONS"].join(", "),
      "Access-Control-Allow-Headers":
        "accept-language, apikey, authorization, content-type, idempotency-key, if-none-match, x-client-info, x-request-id",
      "Access-Control-Max-Age": "86400",
    },
  });
}

function requestIdOf(given: string | null): string {
  return given !== null && /^[A-Za-z0-9._:-]{1,128}$/.test(given) ? given : crypto.randomUUID();
}
