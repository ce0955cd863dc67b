import { endpoint } from "../_shared/http/endpoint.ts";
import { withJobContext } from "../_shared/jobs/context.ts";
import { generateVideo } from "./handler.ts";

export default {
  fetch: endpoint({ name: "generate-video", methods: ["POST"], auth: "user" }, withJobContext(generateVideo)),
};
