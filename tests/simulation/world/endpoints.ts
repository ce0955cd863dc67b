import { z } from "zod";
import { account } from "../../../supabase/functions/account/handler.ts";
import { advanceJobs } from "../../../supabase/functions/advance-jobs/handler.ts";
import { canvas } from "../../../supabase/functions/canvas/handler.ts";
import { generateVideo } from "../../../supabase/functions/generate-video/handler.ts";
import { getVideoStatus } from "../../../supabase/functions/get-video-status/handler.ts";
import { openv } from "../../../supabase/functions/openv/handler.ts";
import { providerWebhook } from "../../../supabase/functions/provider-webhook/handler.ts";
import { createShare } from "../../../supabase/functions/share/handler.ts";
import { transitions } from "../../../supabase/functions/transitions/handler.ts";
import { uploads } from "../../../supabase/functions/uploads/handler.ts";
import { videos } from "../../../supabase/functions/videos/handler.ts";
import { DatabaseError } from "../../../supabase/functions/_shared/database/client.ts";
import type { Dependencies } from "../../../supabase/functions/_shared/jobs/dependencies.ts";
import { type JobContext, jobContext } from "../../../supabase/functions/_shared/jobs/context.ts";
import type { Handler, RequestContext } from "../../../supabase/functions/_shared/http/endpoint.ts";
import { refusalBody, RequestError, requestErrors } from "../../../supabase/functions/_shared/errors/request-errors.ts";
import { ServerTiming } from "../../../supabase/functions/_shared/runtime/server-timing.ts";
import { errorText } from "../../../supabase/functions/_shared/runtime/log.ts";
import { MediaError } from "../../../supabase/functions/_shared/storage/media-error.ts";
import type { CoverageCounts } from "../runtime/coverage-counts.ts";
import { currentProcess } from "../runtime/process.ts";

const HANDLERS = {
  "account": account,
  "canvas": canvas,
  "generate-video": generateVideo,
  "get-video-status": getVideoStatus,
  "openv": openv,
  "provider-webhook": providerWebhook,
  "advance-jobs": advanceJobs,
  // Each request comes to a new instance: what an instance keeps has its own tests.
  "share": (context, request) => createShare(() => context)(context, request),
  "transitions": transitions,
  "uploads": uploads,
  "videos": videos,
} satisfies Record<string, Handler<JobContext>>;
export type Endpoint = keyof typeof HANDLERS;

/** A bare array is the field `list`. */
const bodySchema = z.union([
  z.record(z.string(), z.unknown()),
  z.array(z.unknown()).transform((list): Record<string, unknown> => ({ list })),
]);

export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
  /** The code of an error; empty for a success. */
  code: string;
}

export interface EndpointRequest {
  /** The path after the endpoint's name, and the query. */
  path?: string;
  method?: string;
  headers?: HeadersInit;
  body?: BodyInit;
  userId?: string;
}

/** Calls the real handlers in the current process as signed-in users, and turns their errors into answers. */
export class Endpoints {
  #requests = 0;

  constructor(private readonly dependencies: Dependencies, private readonly counts: CoverageCounts) {}

  async call(endpoint: Endpoint, { path = "", method = "POST", ...rest }: EndpointRequest): Promise<Answer> {
    const url = `http://functions.simulated/${endpoint}${path}`;
    const request = new Request(url, {
      method,
      ...(rest.headers === undefined ? {} : { headers: rest.headers }),
      ...(rest.body === undefined ? {} : { body: rest.body }),
    });
    const context = this.#newContext(rest.userId ?? "");
    const response = await HANDLERS[endpoint](jobContext(context, this.dependencies), request)
      .catch((error: unknown) => refusal(context, error));
    const text = await response.text();
    const body = text === "" ? {} : bodySchema.parse(JSON.parse(text));
    const code = typeof body.code === "string" ? body.code : "";
    this.counts.add("answers", `${endpoint} ${response.status} ${code}`.trim());
    return { status: response.status, headers: response.headers, body, code };
  }

  #newContext(userId: string): RequestContext {
    const process = currentProcess();
    const log: RequestContext["log"] = (level, event, fields = {}) => {
      if (process.dead) return;
      if (level === "alert") this.counts.add("alerts", event);
      if (level !== "info") process.trace.push(`${event} ${fields.code ?? fields.error ?? ""}`.trim());
    };
    const requestId = `request-${++this.#requests}`;
    return { requestId, language: "en", timing: new ServerTiming(), log, userId, hasKey: false, logFields: {} };
  }
}

/** As in `_shared/http/endpoint.ts`. An unexpected error fails the run, unless a database fault explains it. */
function refusal(context: RequestContext, error: unknown): Response {
  if (error instanceof RequestError) return envelope(context, error);
  if (error instanceof MediaError || (error instanceof DatabaseError && error.unreachable)) {
    context.log("error", "unavailable", { error: errorText(error) });
    return envelope(context, new RequestError("unavailable"));
  }
  if (error instanceof DatabaseError && currentProcess().disturbed) {
    return envelope(context, new RequestError("internal_error"));
  }
  throw new Error(`The handler threw ${errorText(error)}`, { cause: error });
}

function envelope(context: RequestContext, error: RequestError): Response {
  return Response.json(refusalBody(error, context), {
    status: requestErrors[error.code].status,
    headers: error.headers,
  });
}
