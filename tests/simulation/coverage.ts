import type { Counts, Heading } from "./counts.ts";
import { FAULTS } from "./faults.ts";
import { DELIVERIES } from "./postman.ts";

/** Every call of the step to the database, the provider and Storage. */
const POINTS = [
  "start_generation read_job claim_due_jobs open_attempt record_submission record_progress advance_step schedule_retry",
  "postpone complete_job record_stored_video fail_job wake_job adopt_run cancel_job record_provider_failure",
  "delete_videos changed_videos record_deleted_files",
].flatMap((line) => line.split(" "));
const OUTSIDE = ["submit", "status", "result", "cancel", "file"].map((name) => `provider ${name}`)
  .concat(["upload", "info", "sign"].map((name) => `storage ${name}`));

/** What any run must have seen, however short. */
const ALWAYS: [Heading, string][] = [
  ["answers", "generate-video 200"],
  ["answers", "generate-video 400 validation_failed"],
  ["answers", "generate-video 402 insufficient_credits"],
  ["answers", "generate-video 422 idempotency_key_reused"],
  ["answers", "generate-video 500 provider_failed"],
  ["answers", "generate-video 503 unavailable"],
  ["answers", "get-video-status 200"],
  ["answers", "get-video-status 404 job_not_found"],
  ["answers", "videos 200"],
  ["endings", "completed: stored"],
  ["endings", "failed: cancelled"],
  ["endings", "failed: timeout"],
  ["submissions", "again after a lost run"],
];

/** What a long run must have seen besides. */
const RARE: [Heading, string][] = [
  ["answers", "generate-video 403 forbidden"],
  ["answers", "generate-video 404 model_not_found"],
  ["answers", "generate-video 429 too_many_active_jobs"],
  ["answers", "generate-video 429 rate_limited"],
  ["answers", "generate-video 500 job_creation_failed"],
  ["answers", "generate-video 503 provider_unavailable"],
  ["answers", "videos 404 job_not_found"],
  ["answers", "videos 409 not_cancellable"],
  ["answers", "videos 503 unavailable"],
  ["endings", "completed: provider's URL"],
  ["endings", "failed: content_policy"],
  ["endings", "failed: media_unusable"],
  ["endings", "failed: no_media"],
  ["endings", "failed: provider_error"],
  ["endings", "failed: provider_unreachable"],
  ["endings", "failed: result_expired"],
  ["submissions", "again after a failed run"],
  ["alerts", "circuit_opened"],
  ["alerts", "copy_given_up"],
  ["alerts", "run_wasted"],
  ["operations", "purge"],
];

/** What never happened although it should have: a run is worth only what it met. */
export function vacuousParts(counts: Counts, thorough: boolean): string[] {
  const wanted = thorough ? [...ALWAYS, ...RARE] : ALWAYS;
  const faults = thorough ? [...POINTS, ...OUTSIDE].flatMap((point) => FAULTS.map((fault) => `${point} ${fault}`)) : [];
  const deliveries = thorough ? Object.keys(DELIVERIES) : ["genuine", "forged"];
  return [
    ...wanted.filter(([heading, name]) => counts.of(heading, name) === 0).map(([, name]) => name),
    ...faults.filter((name) => counts.of("faults", name) === 0),
    ...FAULTS.filter((fault) => counts.ending("faults", fault) === 0),
    ...deliveries.filter((kind) => counts.sum("webhooks", `${kind}: `) === 0).map((kind) => `webhook (${kind})`),
  ];
}
