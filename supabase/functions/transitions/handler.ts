import type { Dependencies } from "../_shared/jobs/dependencies.ts";
import type { Call } from "../_shared/http/endpoint.ts";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { pathBelow } from "../_shared/http/path.ts";
import { toolsOf } from "../_shared/jobs/context.ts";
import { createBatch, createTransition } from "./create.ts";
import { taskStatus } from "./task-status.ts";

/** POST create-and-generate/ and batch-create-and-generate/, GET task-status/{task_id}/. */
export async function transitions(dependencies: Dependencies, request: Request, call: Call): Promise<Response> {
  const [action, id, ...rest] = pathBelow(request);
  const tools = toolsOf(dependencies, call);
  if (action === "task-status" && id !== undefined && rest.length === 0) {
    requireMethod(request, "GET");
    return await taskStatus(tools, call, id);
  }
  if (id !== undefined) throw new RequestError("not_found");
  switch (action) {
    case "create-and-generate":
      requireMethod(request, "POST");
      return await createTransition(tools, call, request);
    case "batch-create-and-generate":
      requireMethod(request, "POST");
      return await createBatch(tools, call, request);
    default:
      throw new RequestError("not_found");
  }
}

function requireMethod(request: Request, method: "GET" | "POST"): void {
  if (request.method !== method) throw new RequestError("method_not_allowed", {}, { Allow: `${method}, OPTIONS` });
}
