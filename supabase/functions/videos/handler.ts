import { RequestError } from "../_shared/errors/request-errors.ts";
import { requireMethod } from "../_shared/http/method.ts";
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
    requireMethod(request, "GET", "DELETE");
    return request.method === "GET" ? await getVideos(context, request) : await deleteNamedVideos(context, request);
  }
  if (rest.length > 0) throw new RequestError("not_found");
  switch (action) {
    case "cancel":
      requireMethod(request, "POST");
      return await cancelVideo(context, id);
    case "share":
      requireMethod(request, "POST", "DELETE");
      return request.method === "POST"
        ? await createLink(context, request, id)
        : await revokeLinks(context, request, id);
    default:
      throw new RequestError("not_found");
  }
}
