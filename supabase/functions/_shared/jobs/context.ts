import { type Dependencies, dependencies } from "./dependencies.ts";
import type { Handler, RequestContext } from "../http/endpoint.ts";

/** All that a handler and the functions of `jobs` work with, for the length of one request. */
export type JobContext = RequestContext & Dependencies;

export function jobContext(request: RequestContext, dependencies: Dependencies): JobContext {
  return { ...request, ...dependencies };
}

/** Gives a handler the real dependencies. It throws `ConfigurationError` when the environment is incomplete or wrong. */
export function withJobContext(handler: Handler<JobContext>): Handler<RequestContext> {
  return (context, request) => handler(jobContext(context, dependencies()), request);
}
