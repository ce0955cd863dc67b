import { dependencies } from "../_shared/jobs/dependencies.ts";
import { endpoint } from "../_shared/http/endpoint.ts";
import { getVideoStatus } from "./handler.ts";

export default {
  fetch: endpoint(
    { name: "get-video-status", methods: ["GET"], auth: "user" },
    (request, call) => getVideoStatus(dependencies(), request, call),
  ),
};
