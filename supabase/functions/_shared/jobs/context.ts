import type { Dependencies } from "./dependencies.ts";
import type { RequestContext } from "../http/endpoint.ts";
import type { ServerTiming } from "../runtime/server-timing.ts";
import { Jobs } from "../database/jobs.ts";
import type { Log } from "../runtime/log.ts";

/** What the steps of a job work with, for the length of one request. */
export interface JobContext extends Dependencies {
  jobs: Jobs;
  timing: ServerTiming;
  log: Log;
}

export function jobContext(dependencies: Dependencies, call: RequestContext): JobContext {
  return { ...dependencies, jobs: new Jobs(dependencies.client, call.timing), timing: call.timing, log: call.log };
}
