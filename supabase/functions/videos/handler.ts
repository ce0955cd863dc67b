import { RequestError } from "../_shared/errors/request-errors.ts";
import { pathBelow } from "../_shared/http/path.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { cancelVideo } from "./cancel.ts";
import { deleteNamedVideos } from "./delete.ts";
import { getVideos } from "./list.ts";

/** GET and DELETE /videos, POST /videos/{job_id}/cancel. */
export async function videos(context: JobContext, request: Request): Promise<Response> {
  const [id, action, ...rest] = pathBelow(request);
  if (id === undefined) {
    if (request.method === "GET") return await getVideos(context, request);
    if (request.method === "DELETE") return await deleteNamedVideos(context, request);
    throw methodNotAllowed("GET, DELETE, OPTIONS");
  }
  if (action !== "cancel" || rest.length > 0) throw new RequestError("not_found");
  if (request.method !== "POST") throw methodNotAllowed("POST, OPTIONS");
  return await cancelVideo(context, id);
}

function methodNotAllowed(allow: string): RequestError {
  return new RequestError("method_not_allowed", {}, { Allow: allow });
}
