import { endpoint } from "../_shared/http/endpoint.ts";
import { withJobContext } from "../_shared/jobs/context.ts";
import { account } from "./handler.ts";

export default {
  fetch: endpoint({ name: "account", methods: ["GET", "DELETE"], auth: "user" }, withJobContext(account)),
};
