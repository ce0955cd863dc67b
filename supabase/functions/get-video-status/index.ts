import { endpoint } from "../_shared/http/endpoint.ts";
import { withJobContext } from "../_shared/jobs/context.ts";
import { getVideoStatus } from "./handler.ts";

export default {
  fetch: endpoint({ name: "get-video-status", methods: ["GET"], auth: "user" }, withJobContext(getVideoStatus)),
};
