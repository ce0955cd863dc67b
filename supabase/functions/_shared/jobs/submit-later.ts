import type { LeasedJob } from "../database/records.ts";
import { keepAlive } from "../runtime/background.ts";
import { errorText } from "../runtime/log.ts";
import { advance } from "./advance.ts";
import type { JobContext } from "./context.ts";

/** Submits a new job after the answer: the client learns from its status what became of it. */
export function submitLater(context: JobContext, leased: LeasedJob): void {
  keepAlive(
    advance(context, leased).then(() => {}, (error) => {
      // The job is charged and stored; the worker finds out what could not be recorded now.
      context.log("error", "submission_not_recorded", { job_id: leased.job_id, error: errorText(error) });
    }),
  );
}
