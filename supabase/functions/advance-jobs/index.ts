import { endpoint } from "../_shared/http/endpoint.ts";
import { withJobContext } from "../_shared/jobs/context.ts";
import { advanceJobs } from "./handler.ts";

export default {
  fetch: endpoint(
    // The default secret key, which pg_cron sends.
    { name: "advance-jobs", methods: ["POST"], auth: "secret" },
    withJobContext(advanceJobs),
  ),
};
