import { dependencies } from "../_shared/jobs/dependencies.ts";
import { endpoint } from "../_shared/http/endpoint.ts";
import { generateVideo } from "./handler.ts";

export default {
  fetch: endpoint(
    { name: "generate-video", methods: ["POST"], auth: "user" },
    (request, call) => generateVideo(dependencies(), request, call),
  ),
};
