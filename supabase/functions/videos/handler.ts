import type { Dependencies } from "../_shared/jobs/dependencies.ts";
import type { RequestContext } from "../_shared/http/endpoint.ts";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { pathBelow } from "../_shared/http/path.ts";
import { jobContext } from "../_shared/jobs/context.ts";
import { cancelVideo } from "./cancel.ts";
import { deleteVideos } from "./delete.ts";
import { listVideos } from "./list.ts";

/** GET and DELETE /videos, POST /videos/{job_id}/cancel. */
export async function videos(dependencies: Dependencies, request: Request, call: RequestContext): Promise<Response> {
  const [id, action, ...rest] = pathBelow(request);
  const context = jobContext(dependencies, call);
  if (id === undefined) {
    if (request.method === "GET") return await listVideos(context, call, request);
    if (request.method === "DELETE") return await deleteVideos(context, call, request);
    throw methodNotAllowed("GET, DELETE, OPTIONS");
  }
  if (action !== "cancel" || rest.length > 0) throw new RequestError("not_found");
  if (request.method !== "POST") throw methodNotAllowed("POST, OPTIONS");
  return await cancelVideo(context, call, id);
}

function methodNotAllowed(allow: string): RequestError {
  return new RequestError("method_not_allowed", {}, { Allow: allow });
}
