import { dependencies } from "../_shared/jobs/dependencies.ts";
import { endpoint } from "../_shared/http/endpoint.ts";
import { transitions } from "./handler.ts";

export default {
  fetch: endpoint(
    { name: "transitions", methods: ["GET", "POST"], auth: "user", hasPaths: true },
    (request, call) => transitions(dependencies(), request, call),
  ),
};
