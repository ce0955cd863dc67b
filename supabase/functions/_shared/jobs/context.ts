import type { Dependencies } from "./dependencies.ts";
import type { Call } from "../http/endpoint.ts";
import type { Phases } from "../runtime/server-timing.ts";
import { Jobs } from "../database/jobs.ts";
import type { Log } from "../runtime/log.ts";

/** What the steps of a job work with, for the length of one request. */
export interface Tools extends Dependencies {
  jobs: Jobs;
  phases: Phases;
  log: Log;
}

export function toolsOf(dependencies: Dependencies, call: Call): Tools {
  return { ...dependencies, jobs: new Jobs(dependencies.client, call.phases), phases: call.phases, log: call.log };
}
