import { RequestError } from "../_shared/errors/request-errors.ts";
import { requireMethod } from "../_shared/http/method.ts";
import { pathBelow } from "../_shared/http/path.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { createBatch, createTransition } from "./create.ts";
import { taskStatus } from "./task-status.ts";

/** POST create-and-generate/ and batch-create-and-generate/, GET task-status/{task_id}/; also below api/transitions/. */
export async function transitions(context: JobContext, request: Request): Promise<Response> {
  const [action, id, ...rest] = actionPath(pathBelow(request));
  if (action === "task-status" && id !== undefined && rest.length === 0) {
    requireMethod(request, "GET");
    return await taskStatus(context, id);
  }
  if (id !== undefined) throw new RequestError("not_found");
  switch (action) {
    case "create-and-generate":
      requireMethod(request, "POST");
      return await createTransition(context, request);
    case "batch-create-and-generate":
      requireMethod(request, "POST");
      return await createBatch(context, request);
    default:
      throw new RequestError("not_found");
  }
}

/** The path from the action on. Clients that have their own paths only know this function as their base address. */
function actionPath(path: string[]): string[] {
  return path[0] === "api" && path[1] === "transitions" ? path.slice(2) : path;
}
