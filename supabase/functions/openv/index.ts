import { endpoint } from "../_shared/http/endpoint.ts";
import { withJobContext } from "../_shared/jobs/context.ts";
import { isWebhook, openv } from "./handler.ts";

export default {
  fetch: endpoint(
    {
      name: "openv",
      methods: ["GET", "POST", "DELETE"],
      auth: (request) => isWebhook(request) ? "none" : "user",
      hasPaths: true,
    },
    withJobContext(openv),
  ),
};
