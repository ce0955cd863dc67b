import { endpoint } from "../_shared/http/endpoint.ts";
import { dependencies } from "../_shared/jobs/dependencies.ts";
import { createHealth } from "./handler.ts";

export default {
  fetch: endpoint({ name: "health", methods: ["GET"], auth: "none" }, createHealth(dependencies)),
};
