import { endpoint } from "../_shared/http/endpoint.ts";
import { withJobContext } from "../_shared/jobs/context.ts";
import { transitions } from "./handler.ts";

export default {
  fetch: endpoint(
    { name: "transitions", methods: ["GET", "POST"], auth: "user", hasPaths: true },
    withJobContext(transitions),
  ),
};
