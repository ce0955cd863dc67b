// The functions' own guards: who calls, what a webhook proves, and what becomes of a charged job whatever fails.
import type { Mutation } from "./mutation.ts";

const FUNCTIONS = "supabase/functions";
const ENDPOINT = `${FUNCTIONS}/_shared/http/endpoint.ts`;
const GENERATE = `${FUNCTIONS}/generate-video/handler.ts`;
const START = `${FUNCTIONS}/_shared/jobs/start.ts`;
const TRANSITIONS = `${FUNCTIONS}/transitions/create.ts`;
const FINGERPRINT = `${FUNCTIONS}/generate-video/request.ts`;
const WEBHOOK = `${FUNCTIONS}/provider-webhook/handler.ts`;
const TOKEN = `${FUNCTIONS}/_shared/jobs/webhook-url.ts`;
const SUBMISSION = `${FUNCTIONS}/_shared/jobs/submit.ts`;
const ADVANCE = `${FUNCTIONS}/_shared/jobs/advance.ts`;
const DELIVER = `${FUNCTIONS}/_shared/jobs/deliver.ts`;
const errors = (name: string) => ({ file: "tests/api/error_table_test.ts", name });
const failedErrors = (name: string) => ({ file: "tests/api/error_table_failures_test.ts", name });
const webhook = (name: string) => ({ file: "tests/api/webhook_test.ts", name });
const submissions = (name: string) => ({ file: "tests/recovery/submission_faults_test.ts", name });
const failures = (name: string) => ({ file: "tests/recovery/failures_test.ts", name });
const crash = (name: string) => ({ file: "tests/recovery/crash_test.ts", name });
const transitions = (name: string) => ({ file: "tests/api/transitions_test.ts", name });
const batches = (name: string) => ({ file: "tests/api/transition_batch_test.ts", name });
const partFailures = (name: string) => ({ file: "tests/api/transition_failures_test.ts", name });
const cancelled = (name: string) => ({ file: "tests/api/cancel_test.ts", name });

const NO_USERS_OWN = errors("credentials that are no user's own are 401, on both endpoints");
const OTHER_REQUEST = failedErrors("a key that was used for another request is 422, and stays bound to the first");
const OTHER_IMAGE = failedErrors("a key that was used for another image is 422");
const NEVER_GIVEN_OUT = webhook("a webhook with an address that was never given out is unauthorized");
const LOST = submissions(
  "a submission whose connection broke after fal had taken it is not sent again before the grace time, then exactly once, for one charge",
);
const LOCKED = submissions(
  "a locked account answers 500 with the refund in it after 1 submission(s), and so does a replay",
);

export const callerMutations: readonly Mutation[] = [
  {
    name: "the advice to come back with the same key",
    guard: "Whoever does not know whether they were charged is told the way that never charges twice.",
    file: `${FUNCTIONS}/_shared/errors/request-errors.ts`,
    find: 'error.code === "unavailable" && hasKey',
    replace: "false",
    test: failedErrors("a database out of reach is 503 with a time to come back, and the key stays free"),
  },
  {
    name: "the check of the user's token",
    guard: "Nobody acts for a user without a token that Supabase Auth signed for them.",
    file: ENDPOINT,
    find: "() => verifyAuth(credentials, { auth }));",
    replace: `() => {
    const payload = request.headers.get("authorization")?.split(".")[1] ?? "e30=";
    const claims = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return Promise.resolve({ data: { userClaims: { id: claims.sub, role: claims.role } }, error: null });
  });`,
    test: NO_USERS_OWN,
  },
  {
    name: "the role in the user's token",
    guard: "A service token has no user, and does not pass for one.",
    file: ENDPOINT,
    find: 'if (data.userClaims?.role !== "authenticated" || !userId.success) {',
    replace: "if (!userId.success) {",
    test: NO_USERS_OWN,
  },
  {
    name: "the secret of the worker",
    guard: "Nobody but the project itself calls the worker.",
    file: `${FUNCTIONS}/advance-jobs/index.ts`,
    find: 'auth: "secret"',
    replace: 'auth: "none"',
    test: errors("the worker is nobody's to call but the project's own"),
  },
  {
    name: "the user_id of a body",
    guard: "Nobody spends another user's credits by naming them.",
    file: GENERATE,
    find: "if (body.user_id && body.user_id !== context.userId) {",
    replace: "if (false) {",
    test: errors("a user_id that is not the token's user is 403"),
  },
  ...[
    { field: "model_id", find: "body.model_id," },
    { field: "prompt", find: "body.prompt," },
    { field: "settings", find: "body.settings ?? {}," },
    { field: "image_url", find: "body.image_url ?? null," },
    { field: "node_id", find: "body.node_id ?? null," },
  ].map(({ field, find }) => ({
    name: `${field} in the fingerprint of a request`,
    guard: "A key answers the very request that it was used for, and no other.",
    file: FINGERPRINT,
    find: `      ${find}\n`,
    replace: "",
    test: field === "image_url" ? OTHER_IMAGE : OTHER_REQUEST,
  })),
  {
    name: "the token of a webhook",
    guard: "A webhook is for the job and the attempt that its address was made for.",
    file: WEBHOOK,
    find: "  if (!await isWebhookToken(address.token, address.provider, address)) throw refused(context, address);\n",
    replace: "",
    test: NEVER_GIVEN_OUT,
  },
  {
    name: "the provider in the token of a webhook",
    guard: "The address of a provider that signs is none of one that does not.",
    file: TOKEN,
    find: "`provider-webhook\\n${provider}\\n${jobId}\\n${attempt}`",
    replace: "`provider-webhook\\n${jobId}\\n${attempt}`",
    test: {
      file: "tests/api/webhook_test.ts",
      name: "a signature evaded: an address that was given to fal is not one of a provider that signs nothing",
    },
  },
  ...["jobId", "attempt"].map((fact) => ({
    name: `${fact} in the token of a webhook`,
    guard: "The token of one run's webhook is not another one's.",
    file: TOKEN,
    find: "`provider-webhook\\n${provider}\\n${jobId}\\n${attempt}`",
    replace: fact === "jobId"
      ? "`provider-webhook\\n${provider}\\n${attempt}`"
      : "`provider-webhook\\n${provider}\\n${jobId}`",
    test: NEVER_GIVEN_OUT,
  })),
  {
    name: "the signature check of a webhook",
    guard: "A webhook comes from the provider itself.",
    file: WEBHOOK,
    find: "(await provider.webhook?.verify?.(delivery)) ?? true",
    replace: "true",
    test: webhook("a webhook forged with a key that is not fal's is unauthorized and wakes nobody"),
  },
];

export const stepMutations: readonly Mutation[] = [
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
    find: `      // The claim has set the time when the next attempt may be made.
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
    name: "the refund of a refused submission",
    guard: "Who is told that the provider refused has their credits back.",
    file: GENERATE,
    find: "return await fail(context, leased, submission.error);",
    replace: "return null;",
    test: LOCKED,
  },
  {
    name: "the answer that a failed submission leaves with its key",
    guard: "A replay is told of the refund, as the first request was.",
    file: GENERATE,
    find: "failJob(context, leased, error.code, answer)",
    replace: "failJob(context, leased, error.code)",
    test: LOCKED,
  },
  {
    name: "the end of the submissions inside a request",
    guard: "What the provider refuses for good is not sent to it again.",
    file: GENERATE,
    find: 'if (submission.error.kind !== "retryable" || pause === null) {',
    replace: "if (pause === null) {",
    test: LOCKED,
  },
  {
    name: "the charge that the database did not confirm",
    guard: "A request that may have been charged is not told that it failed: its key finds out.",
    file: START,
    find: "if (error instanceof DatabaseError && error.unreachable) throw error;",
    replace: "",
    test: crash("a request whose charge was made unheard answers 503, and its key finds the job"),
  },
  {
    name: "the cancellation of a run that nobody waits for",
    guard: "A run whose job was cancelled while it was submitted does not go on at our cost.",
    file: SUBMISSION,
    find: "  if (!recorded.applied) {",
    replace: "  if (false) {",
    test: cancelled("a run that is accepted after its video was cancelled is stopped at the provider"),
  },
  {
    name: "the failed look",
    guard: "A look that failed is no verdict: the job goes on.",
    file: ADVANCE,
    find: "return await checkAgainLater(context, leased, error);",
    replace: 'return await fail(context, leased, "provider_unreachable");',
    test: failures("three looks that end in status_500 are no verdict: the job goes on and is delivered"),
  },
  {
    name: "the verdict of a run",
    guard: "What no second attempt would mend is not paid for again.",
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
    name: "the last look at the deadline",
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
    name: "the trouble of our own Storage",
    guard: "What goes wrong on our side costs nobody a finished video.",
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
    guard: "Nobody pays for what is no video.",
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
    name: "the look behind a webhook",
    guard: "A webhook only wakes: what it says of a run that is not the job's own is not believed.",
    file: WEBHOOK,
    find: 'if (state.state !== "succeeded") return;',
    replace: "",
    test: webhook("a late run that failed leaves the current attempt alone"),
  },
  {
    name: "the cancellation of an abandoned run",
    guard: "Of two runs of one job only one goes on at our cost.",
    file: WEBHOOK,
    find: "if (adopted.abandoned_provider_job_id !== null) {",
    replace: "if (false) {",
    test: webhook("the first attempt delivers although a second was made, whose run is cancelled"),
  },
];

/** Transitions: their keys, their files, and what they may be delivered without. */
export const transitionMutations: readonly Mutation[] = [
  {
    name: "the body in the fingerprint of a transition",
    guard: "A key answers the very request that it was used for, and no other.",
    file: TRANSITIONS,
    find: 'canonicalJson(["transition", withoutMaxCredits(body)])',
    replace: 'canonicalJson(["transition"])',
    test: transitions("the key of another request is 422, be that a transition or a plain generation"),
  },
  {
    name: "the body in the fingerprint of a batch",
    guard: "A key answers the very batch that it was used for: no part of another one is charged under it.",
    file: TRANSITIONS,
    find: 'canonicalJson(["transitions", { transitions: body.transitions.map(withoutMaxCredits) }])',
    replace: 'canonicalJson(["transitions"])',
    test: batches("a batch with one more under the same key is 422 and starts nothing"),
  },
  {
    name: "the look at all keys of a batch",
    guard: "A batch that was changed is refused before anything of it is charged.",
    file: TRANSITIONS,
    find: "const siblingKeys = await Promise.all(Array.from({ length: MAX_BATCH }, (_, index) => keyOfItem(index)));",
    replace: "const siblingKeys: string[] = [];",
    test: batches("a batch changed after it ran out of credits at its first transition is 422 and starts nothing"),
  },
  {
    name: "the key of a batch in the keys of its transitions",
    guard: "Another batch is another charge, and not the answer to the one before.",
    file: TRANSITIONS,
    find: 'canonicalJson(["batch", key, index])',
    replace: 'canonicalJson(["batch", index])',
    test: batches("without a key a batch twice is two batches"),
  },
  {
    name: "the place in the keys of a batch's transitions",
    guard: "Each transition of a batch has a key of its own.",
    file: TRANSITIONS,
    find: 'canonicalJson(["batch", key, index])',
    replace: 'canonicalJson(["batch", key])',
    test: batches("each transition of a batch is charged, told and made by itself"),
  },
  {
    name: "the folder of an uploaded image",
    guard: "Nobody has a video made of another user's file.",
    file: START,
    find: "if (path && !path.startsWith(`${context.userId}/`)) {",
    replace: "if (false) {",
    test: { file: "tests/api/transition_options_test.ts", name: "a stranger's upload is not taken for either image" },
  },
  {
    name: "the step that is left out when it has failed for good",
    guard: "A video that its owner takes without music is not failed for it.",
    file: ADVANCE,
    find: "if (!leased.step.optional) return await fail(context, leased, code, cause);",
    replace: "if (true) return await fail(context, leased, code, cause);",
    test: partFailures("without music, where music may be missing, the rest is delivered and music given back"),
  },
  {
    name: "the failure of a step that the video needs",
    guard: "Who insists on the music is refunded when there is none.",
    file: ADVANCE,
    find: "if (!leased.step.optional) return await fail(context, leased, code, cause);",
    replace: "",
    test: partFailures(
      "music that fails for good fails the transition, refunded once and in full, without a file left",
    ),
  },
  {
    name: "the cancellation of a run that is left out",
    guard: "A run that the video no longer waits for does not go on at our cost.",
    file: ADVANCE,
    find: "    await cancelRun(context, leased);\n",
    replace: "",
    test: partFailures(
      "a voice that never comes is waited for with patience, then stopped, and its credit given back",
    ),
  },
];
