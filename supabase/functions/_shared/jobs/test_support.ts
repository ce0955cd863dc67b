/** What the tests of several files here need. Only tests import it, so it is not deployed. */

import type { LeasedJob } from "../database/records.ts";

/** A new job, leased to be submitted. */
export const newJob: LeasedJob = {
  job_id: "job",
  user_id: "user",
  status: "pending",
  action: "submit",
  step: { name: "generate", provider: "fal", model: "test", input: {}, produces: "video_url", optional: false },
  artifacts: {},
  attempt: 1,
  provider_job_id: null,
  failures: 0,
  attempts_of_step: 1,
  attempts_left: 3,
  start_within_seconds: 900,
  past_deadline: false,
  age_ms: 0,
  settings: {},
  copy_again: false,
  files_are_public: true,
};
