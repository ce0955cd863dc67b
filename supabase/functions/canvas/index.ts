import { endpoint } from "../_shared/http/endpoint.ts";
import { withJobContext } from "../_shared/jobs/context.ts";
import { canvas } from "./handler.ts";

export default {
  fetch: endpoint(
    { name: "canvas", methods: ["GET", "POST"], auth: "user", hasPaths: true },
    withJobContext(canvas),
  ),
};
