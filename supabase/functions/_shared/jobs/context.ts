import { type Dependencies, dependencies } from "./dependencies.ts";
import type { Handler, RequestContext } from "../http/endpoint.ts";

/** The copies of the worker, apart from its looks, so that a slow one does not keep it from other jobs. */
export interface CopyQueue {
  /** Another copy is due, and nobody has it. */
  due(): void;
  /** A file of this size was copied. */
  copied(bytes: number): void;
}

/** All that a handler and the functions of `jobs` work with, for the length of one request. */
export type JobContext = RequestContext & Dependencies & {
  /** Only in the worker; a poll or a webhook makes its copy at once. */
  copies?: CopyQueue;
};

export function jobContext(request: RequestContext, dependencies: Dependencies): JobContext {
  return { ...request, ...dependencies };
}

/** Gives a handler the real dependencies. It throws `ConfigurationError` when the environment is incomplete or wrong. */
export function withJobContext(handler: Handler<JobContext>): Handler<RequestContext> {
  return (context, request) => handler(jobContext(context, dependencies()), request);
}
