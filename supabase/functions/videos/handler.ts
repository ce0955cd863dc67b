import { RequestError } from "../_shared/errors/request-errors.ts";
import { pathBelow } from "../_shared/http/path.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { cancelVideo } from "./cancel.ts";
import { deleteNamedVideos } from "./delete.ts";
import { getVideos } from "./list.ts";
import { createLink, revokeLinks } from "./share.ts";

/** GET and DELETE /videos, POST /videos/{job_id}/cancel, POST and DELETE /videos/{job_id}/share. */
export async function videos(context: JobContext, request: Request): Promise<Response> {
  const [id, action, ...rest] = pathBelow(request);
  if (id === undefined) {
    if (request.method === "GET") return await getVideos(context, request);
    if (request.method === "DELETE") return await deleteNamedVideos(context, request);
    throw methodNotAllowed("GET, DELETE, OPTIONS");
  }
  if (rest.length > 0) throw new RequestError("not_found");
  switch (action) {
    case "cancel":
      if (request.method !== "POST") throw methodNotAllowed("POST, OPTIONS");
      return await cancelVideo(context, id);
    case "share":
      if (request.method === "POST") return await createLink(context, request, id);
      if (request.method === "DELETE") return await revokeLinks(context, request, id);
      throw methodNotAllowed("POST, DELETE, OPTIONS");
    default:
      throw new RequestError("not_found");
  }
}

function methodNotAllowed(allow: string): RequestError {
  return new RequestError("method_not_allowed", {}, { Allow: allow });
}
