import { endpoint } from "../_shared/http/endpoint.ts";
import { withJobContext } from "../_shared/jobs/context.ts";
import { videos } from "./handler.ts";

export default {
  fetch: endpoint(
    { name: "videos", methods: ["GET", "POST", "DELETE"], auth: "user", hasPaths: true },
    withJobContext(videos),
  ),
};
