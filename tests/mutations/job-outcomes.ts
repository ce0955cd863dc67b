// How a charged job ends, whatever fails on its way.
import type { Mutation } from "./mutation.ts";

const FUNCTIONS = "supabase/functions";
const NEW_VIDEO = `${FUNCTIONS}/_shared/jobs/new-video.ts`;
const START = `${FUNCTIONS}/_shared/jobs/start.ts`;
const WAKE = `${FUNCTIONS}/_shared/jobs/wake.ts`;
const SUBMISSION = `${FUNCTIONS}/_shared/jobs/submit.ts`;
const ADVANCE = `${FUNCTIONS}/_shared/jobs/advance.ts`;
const DELIVER = `${FUNCTIONS}/_shared/jobs/deliver.ts`;
const webhook = (name: string) => ({ file: "tests/api/webhook_test.ts", name });
const lateRecord = (name: string) => ({ file: "tests/recovery/late_record_test.ts", name });
const submissions = (name: string) => ({ file: "tests/recovery/submission_faults_test.ts", name });
const failures = (name: string) => ({ file: "tests/recovery/failures_test.ts", name });
const crash = (name: string) => ({ file: "tests/recovery/crash_test.ts", name });
const cancelled = (name: string) => ({ file: "tests/api/cancel_test.ts", name });
const LOST = submissions(
  "a submission whose connection broke after fal had taken it is not sent again before the grace time, then exactly once, for one charge",
);
const LOCKED = submissions(
  "a locked account answers 500 with the refund in it after 1 submission(s), and so does a replay",
);

export const outcomeMutations: readonly Mutation[] = [
  {
    name: "the unknown outcome of a submission",
    guard: "A submission whose answer is lost may be running: it is neither refunded nor sent again at once.",
    file: SUBMISSION,
    find: "if (error instanceof ProviderError && !error.mayHaveStarted) {",
    replace: "if (error instanceof ProviderError) {",
    test: LOST,
  },
  {
    name: "the wait of the worker for an unknown outcome",
    guard: "A submission of the worker whose answer is lost has its grace time too.",
    file: ADVANCE,
    find: `      // The lease has set the time when the next attempt may be made.
      return null;`,
    replace: "      return (await scheduleRetry(context, leased, 0)).job;",
    also: [{
      file: ADVANCE,
      find: "import { advanceStep, failJob, ",
      replace: "import { advanceStep, failJob, scheduleRetry, ",
    }],
    test: submissions("an attempt after a failed run is submitted once too when its answer is lost"),
  },
  {
    name: "the record of a submission after its answer",
    guard: "A run that is accepted is known, and no other attempt is paid for.",
    file: NEW_VIDEO,
    find: "recordLater(context, leased, submission.providerJobId);",
    replace: "void 0;",
    test: lateRecord(
      "before the record a poll says submitting, and asks the provider nothing; afterwards the job goes on",
    ),
  },
  {
    name: "the repetition of a record",
    guard: "One fault of the database after the answer costs the operator no second run.",
    file: SUBMISSION,
    find: "[...RECORD_PAUSES_MS, null]",
    replace: "[null]",
    test: lateRecord("a record that meets one fault is repeated, so that no second run is paid for"),
  },
  {
    name: "the handling of a record that fails after the answer",
    guard: "A database that is away after an answer ends no process, with the requests of others in it.",
    file: SUBMISSION,
    find: "if (pause === null) return;",
    replace: "if (pause === null) throw error;",
    test: lateRecord(
      "a record that always meets drop is a submission without an answer: one more attempt after the grace time",
    ),
  },
  {
    name: "the refund of a refused submission",
    guard: "An answer that reports the provider's refusal comes with the refund.",
    file: NEW_VIDEO,
    find: "return await fail(context, leased, submission.error);",
    replace: "return null;",
    test: LOCKED,
  },
  {
    name: "the answer that a failed submission leaves with its key",
    guard: "A replay has the refund, as the first answer had.",
    file: NEW_VIDEO,
    find: "failJob(context, leased, error.code, answer)",
    replace: "failJob(context, leased, error.code)",
    test: LOCKED,
  },
  {
    name: "the end of the submissions inside a request",
    guard: "What the provider refuses for good is not sent to it again.",
    file: NEW_VIDEO,
    find: 'if (submission.error.kind !== "retryable" || pause === null) {',
    replace: "if (pause === null) {",
    test: LOCKED,
  },
  {
    name: "the charge that the database did not confirm",
    guard: "A request that may have been charged is not answered as a failure: its key finds the job.",
    file: START,
    find: "if (error instanceof DatabaseError && error.unreachable) throw error;",
    replace: "",
    test: crash("a request whose charge was made but not confirmed answers 503, and its key finds the job"),
  },
  {
    name: "the cancellation of a run without a job",
    guard: "A run whose job was cancelled while it was submitted does not go on at our cost.",
    file: SUBMISSION,
    find: "  if (!recorded.applied) {",
    replace: "  if (false) {",
    test: cancelled("a run that is accepted after its video was cancelled is stopped at the provider"),
  },
  {
    name: "the failed check",
    guard: "A check that failed does not end the job.",
    file: ADVANCE,
    find: "await checkAgainLater(context, leased, error)",
    replace: 'await fail(context, leased, "provider_unreachable")',
    test: failures("three checks that end in status_500 decide nothing: the job goes on and is delivered"),
  },
  {
    name: "the final failure of a run",
    guard: "A failure that no second attempt can cure is not submitted and paid for again.",
    file: ADVANCE,
    find: 'if (error.kind !== "retryable" || leased.attempts_left <= 0) {',
    replace: "if (leased.attempts_left <= 0) {",
    test: failures(
      "a prompt against the content policy fails the job as content_policy after one attempt and refunds it once",
    ),
  },
  {
    name: "the number of attempts after a failed run",
    guard: "A run that always fails is made so many times and no more.",
    file: ADVANCE,
    find: 'if (error.kind !== "retryable" || leased.attempts_left <= 0) {',
    replace: 'if (error.kind !== "retryable") {',
    test: failures("a run that always fails is made four times, then the job fails and is refunded"),
  },
  {
    name: "the last check at the deadline",
    guard: "A video that is there is delivered: a success after a refund would be our loss.",
    file: ADVANCE,
    find: 'if (state.state === "succeeded") {',
    replace: "if (false) {",
    test: failures("a video that is there at the deadline is delivered, not thrown away"),
  },
  {
    name: "the cancellation at the deadline",
    guard: "A run whose job was refunded does not go on at our cost.",
    file: ADVANCE,
    find: "    await cancelRun(context, leased);\n",
    replace: "",
    test: failures("a run that never ends is cancelled at the deadline, and its job fails and is refunded"),
  },
  {
    name: "the failures of our own Storage",
    guard: "A failure on our side costs no user a finished video.",
    file: DELIVER,
    find: "if (isStorageTrouble(error) && leased",
    replace: "if (false && leased",
    test: {
      file: "tests/recovery/copy_test.ts",
      name: "with a Storage that answers 500 the job is completed with the provider's URL, and ours comes later",
    },
  },
  {
    name: "the refund of a video that cannot be used",
    guard: "No user pays for a file that is no video.",
    file: DELIVER,
    find: 'return error.retryable || isStorageTrouble(error) ? null : "media_unusable";',
    replace: "return null;",
    test: failures("a file that is no video fails the job as media_unusable after one attempt and refunds it once"),
  },
  {
    name: "the end of a copy that always fails",
    guard: "Every job ends: a video that never arrives is refunded.",
    file: DELIVER,
    find: "if (finalError === null && !leased.past_deadline) {",
    replace: "if (finalError === null) {",
    test: {
      file: "tests/recovery/broken_file_test.ts",
      name: "a file that breaks off is never delivered: the copy is repeated, and at the deadline the job fails",
    },
  },
  {
    name: "the check behind a webhook",
    guard: "A webhook only wakes: what it says of a run that is not the job's own is not believed.",
    file: WAKE,
    find: 'if (state.state !== "succeeded") return;',
    replace: "",
    test: webhook("a late run that failed leaves the current attempt alone"),
  },
  {
    name: "the cancellation of an abandoned run",
    guard: "Of two runs of one job only one goes on at our cost.",
    file: WAKE,
    find: "if (adopted.abandoned_provider_job_id !== null) {",
    replace: "if (false) {",
    test: webhook("the first attempt delivers although a second was made, whose run is cancelled"),
  },
];
