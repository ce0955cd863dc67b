import { dependencies } from "../_shared/jobs/dependencies.ts";
import { endpoint } from "../_shared/http/endpoint.ts";
import { videos } from "./handler.ts";

export default {
  fetch: endpoint(
    { name: "videos", methods: ["GET", "POST", "DELETE"], auth: "user", hasPaths: true },
    (request, call) => videos(dependencies(), request, call),
  ),
};
