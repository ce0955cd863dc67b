import { endpoint } from "../_shared/http/endpoint.ts";
import { withJobContext } from "../_shared/jobs/context.ts";
import { uploads } from "./handler.ts";

export default {
  fetch: endpoint({ name: "uploads", methods: ["POST"], auth: "user" }, withJobContext(uploads)),
};
