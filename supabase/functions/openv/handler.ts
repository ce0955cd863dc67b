import { RequestError } from "../_shared/errors/request-errors.ts";
import { requireMethod } from "../_shared/http/method.ts";
import { pathBelow } from "../_shared/http/path.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { createVideo } from "./create.ts";
import { deleteListed } from "./delete.ts";
import { listAll } from "./list.ts";
import { endpointWebhook } from "./webhook.ts";

/** POST api/runpod and api/runpod/webhook, GET and DELETE api/videos: what clients of OpenV call, in its words. */
export async function openv(context: JobContext, request: Request): Promise<Response> {
  switch (pathBelow(request).join("/")) {
    case "api/runpod":
      requireMethod(request, "POST");
      return await createVideo(context, request);
    case "api/runpod/webhook":
      requireMethod(request, "POST");
      return await endpointWebhook(context, request);
    case "api/videos":
      requireMethod(request, "GET", "DELETE");
      return await (request.method === "GET" ? listAll(context, request) : deleteListed(context, request));
    default:
      throw new RequestError("not_found");
  }
}

/** Whether the caller is no user: the webhook has a token of its own. */
export function isWebhook(request: Request): boolean {
  return pathBelow(request).join("/") === "api/runpod/webhook";
}
