import { dependencies } from "../_shared/jobs/dependencies.ts";
import { endpoint } from "../_shared/http/endpoint.ts";
import { account } from "./handler.ts";

export default {
  fetch: endpoint(
    { name: "account", methods: ["DELETE"], auth: "user" },
    (_request, call) => account(dependencies(), call),
  ),
};
