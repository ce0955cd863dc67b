import { dependencies } from "../_shared/dependencies.ts";
import { endpoint } from "../_shared/http/endpoint.ts";
import { generateVideo } from "./handler.ts";

const real = dependencies();

export default {
  fetch: endpoint(
    { name: "generate-video", methods: ["POST"], auth: "user" },
    (request, call) => generateVideo(real, request, call),
  ),
};
