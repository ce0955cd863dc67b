import { adminClient } from "../_shared/database.ts";
import { endpoint } from "../_shared/http/endpoint.ts";
import { health } from "./handler.ts";

export default {
  fetch: endpoint({ name: "health", methods: ["GET"], auth: "none" }, (_request, call) => health(adminClient, call)),
};
