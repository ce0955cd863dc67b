import { dependencies } from "../_shared/jobs/dependencies.ts";
import { endpoint } from "../_shared/http/endpoint.ts";
import { advanceJobs } from "./handler.ts";

export default {
  fetch: endpoint(
    // The default secret key, which pg_cron sends.
    { name: "advance-jobs", methods: ["POST"], auth: "secret" },
    (request, call) => advanceJobs(dependencies(), request, call),
  ),
};
