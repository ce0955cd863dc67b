import { errorText } from "../_shared/runtime/log.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { PURGE_TASKS } from "./purge-tasks.ts";

/** The time of one task: the platform ends a request at 150 s, and one long task must not use up the others' time. */
const TASK_FOR_MS = 10_000;

/** One part of the purge. It works in batches and starts none after `until`, by `performance.now()`. */
export interface PurgeTask {
  /** The name of its count in the answer. */
  name: string;
  run: (context: JobContext, until: number) => Promise<PurgeResult>;
}

export interface PurgeResult {
  count: number;
  /** Something is left for the next purge. */
  more: boolean;
}

/** The count of each task, which tasks failed, and which have something left. */
type PurgeReport = Record<string, number | string[]> & { failed: string[]; unfinished: string[] };

/** Runs all tasks. A task that fails is logged, and the others still run. */
export async function purge(context: JobContext): Promise<PurgeReport> {
  const counts: Record<string, number> = {};
  const [failed, unfinished]: [string[], string[]] = [[], []];
  for (const task of PURGE_TASKS) {
    try {
      const { count, more } = await task.run(context, performance.now() + TASK_FOR_MS);
      counts[task.name] = count;
      if (more) unfinished.push(task.name);
    } catch (error) {
      context.log("error", "purge_task_failed", { task: task.name, error: errorText(error) });
      failed.push(task.name);
    }
  }
  context.log("info", "purged", { ...counts, failed: failed.join(" "), unfinished: unfinished.join(" ") });
  return { ...counts, failed, unfinished };
}
