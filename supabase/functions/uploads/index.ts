import { dependencies } from "../_shared/jobs/dependencies.ts";
import { endpoint } from "../_shared/http/endpoint.ts";
import { uploads } from "./handler.ts";

export default {
  fetch: endpoint(
    { name: "uploads", methods: ["POST"], auth: "user" },
    (request, call) => uploads(dependencies(), request, call),
  ),
};
