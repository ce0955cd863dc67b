import { adminClient } from "../_shared/database/client.ts";
import { endpoint } from "../_shared/http/endpoint.ts";
import { createHealth } from "./handler.ts";

export default {
  fetch: endpoint({ name: "health", methods: ["GET"], auth: "none" }, createHealth(adminClient)),
};
