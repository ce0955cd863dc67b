import type { CoverageCounts, Heading } from "../runtime/coverage-counts.ts";
import { FAULTS } from "../faults/call-faults.ts";
import { WEBHOOK_ANSWERS } from "../faults/webhooks.ts";

/** Every fault point: the calls to the database, the providers and Storage. */
const PROCEDURES = [
  "start_generation read_job lease_due_jobs open_attempt record_submission record_progress record_looks advance_step",
  "schedule_retry postpone complete_job record_stored_video fail_job wake_job adopt_run cancel_job record_provider_answer",
  "delete_videos changed_videos record_deleted_files skip_step leave_projects erase_account list_files_to_delete",
  "start_upload wake_run record_checked_upload lease_runs_to_cancel delete_finished_videos list_files_of_user",
  "read_node_job read_share import_users import_credits import_videos",
  "lease_due_thumbnails record_thumbnail_run record_thumbnail postpone_thumbnail give_up_thumbnail",
].flatMap((line) => line.split(" "));
const SERVICE_POINTS = ["submit", "status", "result", "cancel", "file"].map((name) => `provider ${name}`)
  .concat(["upload", "info", "sign", "remove", "read", "address"].map((name) => `storage ${name}`))
  .concat(["submit", "status", "cancel", "file"].map((name) => `runpod ${name}`))
  .concat(["submit", "status", "file"].map((name) => `rendi ${name}`))
  .concat(["submit", "status", "file", "image"].map((name) => `veo ${name}`), "import file");

/**
 * What a run must have met. Each level adds rarer things. `sure` is what comes about thirty times in the shortest run of this
 * level, so that no seed misses it by chance.
 */
export type Demand = "nothing" | "sure" | "usual" | "everything";

const SURE_OPERATIONS = 3_000;
const USUAL_OPERATIONS = 20_000;
const EVERYTHING_OPERATIONS = 50_000;

/** The level that every run of this length can reach, whatever its seed. */
export function demandOf(operations: number): Demand {
  if (operations >= EVERYTHING_OPERATIONS) return "everything";
  if (operations >= USUAL_OPERATIONS) return "usual";
  return operations >= SURE_OPERATIONS ? "sure" : "nothing";
}

const SURE: [Heading, string][] = [
  ["answers", "generate-video 200"],
  ["answers", "get-video-status 200"],
  ["answers", "get-video-status 404 job_not_found"],
  ["answers", "transitions 200"],
  ["answers", "transitions 202"],
  ["answers", "videos 200"],
  ["answers", "openv 200"],
  ["answers", "canvas 200"],
  ["canvas", "video for owner"],
  ["canvas", "node completed"],
  ["canvas", "node failed"],
  ["imports", "video imported"],
  ["batches", "item started"],
  ["steps", "thumbnail"],
  ["submissions", "again after a lost run"],
  ["submissions", "for the next step"],
  ["webhooks", "of runpod"],
];

const USUAL: [Heading, string][] = [
  ["answers", "generate-video 402 insufficient_credits"],
  ["answers", "generate-video 400 validation_failed"],
  ["answers", "generate-video 422 idempotency_key_reused"],
  ["answers", "generate-video 500 provider_failed"],
  ["answers", "generate-video 503 unavailable"],
  ["answers", "account 200"],
  ["answers", "openv 400 validation_failed"],
  ["answers", "openv 402 insufficient_credits"],
  ["answers", "canvas 404 node_not_found"],
  ["answers", "canvas 404 job_not_found"],
  ["canvas", "video for editor"],
  ["canvas", "no video for viewer"],
  ["canvas", "no video for a stranger"],
  ["canvas", "node idle"],
  ["canvas", "node processing"],
  ["imports", "balance imported"],
  ["imports", "video already"],
  ["imports", "balance already"],
  ["imports", "video expired"],
  ["repeats", "without a key: replayed"],
  ["repeats", "without a key: made"],
  ["answers", "uploads 200"],
  ["answers", "share 302"],
  ["answers", "share 404 not_found"],
  ["endings", "completed by runpod"],
  ["endings", "completed by veo"],
  ["endings", "completed with subtitles"],
  ["endings", "completed: stored"],
  ["endings", "failed: cancelled"],
  ["endings", "failed: timeout"],
  ["endings", "thumbnail given up"],
  ["endings", "transition completed"],
  ["endings", "transition failed"],
  ["steps", "mix"],
];

const RARE: [Heading, string][] = [
  ["answers", "generate-video 403 forbidden"],
  ["answers", "generate-video 404 model_not_found"],
  ["answers", "generate-video 429 too_many_active_jobs"],
  ["answers", "generate-video 429 rate_limited"],
  ["answers", "generate-video 500 job_creation_failed"],
  ["answers", "generate-video 503 provider_unavailable"],
  ["account deletions", "run cancelled"],
  ["account deletions", "run cancelled by the worker"],
  ["account deletions", "came back"],
  ["answers", "generate-video 401 unauthorized"],
  ["answers", "generate-video 422 input_missing"],
  ["answers", "generate-video 422 input_refused"],
  ["answers", "transitions 422 input_refused"],
  ["answers", "uploads 401 unauthorized"],
  ["answers", "uploads 429 upload_limit_reached"],
  ["answers", "transitions 402 insufficient_credits"],
  ["answers", "transitions 404 job_not_found"],
  ["answers", "transitions 422 idempotency_key_reused"],
  ["answers", "transitions 503 provider_unavailable"],
  ["answers", "transitions 503 unavailable"],
  ["batches", "item insufficient_credits"],
  ["batches", "item model_not_found"],
  ["batches", "item too_many_active_jobs"],
  ["answers", "videos 404 job_not_found"],
  ["answers", "videos 409 not_cancellable"],
  ["answers", "videos 409 not_shareable"],
  ["answers", "videos 503 unavailable"],
  ["answers", "videos 429 cancel_limit_reached"],
  ["cancellations", "submitting 200"],
  ["cancellations", "queued 200"],
  ["cancellations", "generating 200"],
  ["cancellations", "generating 429"],
  ["cancellations", "storing 409"],
  ["cancellations", "not deleted"],
  ["cancellations", "tried to read"],
  ["endings", "completed: provider's URL"],
  ["endings", "failed: storage_failed"],
  ["endings", "failed: content_policy"],
  ["endings", "failed: media_unusable"],
  ["endings", "failed: no_media"],
  ["endings", "failed: provider_error"],
  ["endings", "failed: provider_unreachable"],
  ["endings", "failed: result_expired"],
  ["endings", "skipped: music"],
  ["endings", "skipped: voiceover"],
  ["endings", "skipped: subtitles"],
  ["endings", "generation completed with extras"],
  ["steps", "frame_1"],
  ["steps", "generate_3"],
  ["steps", "join"],
  ["steps", "loudness"],
  ["steps", "trim"],
  ["steps", "subtitles"],
  ["submissions", "for the next step without the one before"],
  ["submissions", "again after a failed run"],
  ["answers", "openv 401 unauthorized"],
  ["answers", "openv 404 job_not_found"],
  ["answers", "openv 500 provider_failed"],
  ["answers", "openv 503 unavailable"],
  ["answers", "canvas 401 unauthorized"],
  ["imports", "user missing"],
  ["imports", "video left"],
  ["canvas", "address 302"],
  ["canvas", "newest job shown to viewer"],
  ["canvas", "free name read"],
  ["canvas", "edit by viewer refused"],
  ["canvas", "edited by editor"],
  ["canvas", "member removed"],
  ["answers", "canvas 402 insufficient_credits"],
  ["answers", "canvas 503 unavailable"],
  ["canvas", "free name of a node (generate-video)"],
  ["canvas", "no video for editor"],
  ["canvas", "edit by a stranger refused"],
  ["canvas", "intrusion refused"],
  ["canvas", "member left"],
  ["canvas", "member removed while their job runs"],
  ["canvas", "newest job shown to owner"],
  ["canvas", "newest job shown to editor"],
  ["canvas", "node deleted while its job runs"],
  ["canvas", "project deleted while a job runs"],
  ["canvas", "seen by a stranger"],
  ["canvas", "address 404"],
  ["canvas", "two jobs of a node at once"],
  ["imports", "user left"],
  ["imports", "user already"],
  ["imports", "balance left"],
  ["imports", "copied"],
  ["imports", "deleted by its owner"],
  ["imports", "shared"],
  ["account deletions", "with files of an import to copy"],
  ["repeats", "of a node, without a key: replayed"],
  ["repeats", "without a key: made again after an end"],
  ["batches", "repeated as a whole"],
  ["batches", "new as a whole"],
  ["alerts", "circuit_opened"],
  ["alerts", "copy_given_up"],
  ["alerts", "run_wasted"],
  ["operations", "purge"],
  ["operations", "several at once: account"],
];

/** What a run should have met and did not: a run proves nothing about it. */
export function missingCoverage(counts: CoverageCounts, demand: Demand): string[] {
  if (demand === "nothing") return [];
  const thorough = demand === "everything";
  const required = [...SURE, ...(demand === "sure" ? [] : USUAL), ...(thorough ? RARE : [])];
  const faults = thorough
    ? [...PROCEDURES, ...SERVICE_POINTS].flatMap((point) => FAULTS.map((fault) => `${point} ${fault}`))
    : [];
  const deliveries = thorough ? Object.keys(WEBHOOK_ANSWERS) : demand === "sure" ? ["genuine"] : ["genuine", "forged"];
  return [
    ...required.filter(([heading, name]) => counts.of(heading, name) === 0).map(([, name]) => name),
    ...faults.filter((name) => counts.of("faults", name) === 0),
    ...FAULTS.filter((fault) => counts.ending("faults", fault) === 0),
    ...deliveries.filter((kind) => counts.sum("webhooks", `${kind}: `) === 0).map((kind) => `webhook (${kind})`),
  ];
}
