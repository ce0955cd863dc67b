// The caller of a request, the request that a key answers, and what a webhook proves.
import type { Mutation } from "./mutation.ts";

const FUNCTIONS = "supabase/functions";
const AUTHENTICATE = `${FUNCTIONS}/_shared/http/authenticate.ts`;
const GENERATE = `${FUNCTIONS}/generate-video/handler.ts`;
const FINGERPRINT = `${FUNCTIONS}/generate-video/request.ts`;
const KEYS = `${FUNCTIONS}/_shared/http/idempotency-key.ts`;
const WEBHOOK = `${FUNCTIONS}/provider-webhook/handler.ts`;
const TOKEN = `${FUNCTIONS}/_shared/jobs/webhook-url.ts`;
const errors = (name: string) => ({ file: "tests/api/error_table_test.ts", name });
const outages = (name: string) => ({ file: "tests/api/outages_test.ts", name });
const keys = (name: string) => ({ file: "tests/api/idempotency_keys_test.ts", name });
const keyless = (name: string) => ({ file: "tests/api/transition_keys_test.ts", name });
const webhook = (name: string) => ({ file: "tests/api/webhook_test.ts", name });
const NO_USERS_OWN = errors("credentials that are not a user's own token are 401, on both endpoints");
const OTHER_REQUEST = keys("a key that was used for another request is 422, and stays bound to the first");
const OTHER_IMAGE = keys("a key that was used for another image is 422");
const NEVER_GIVEN_OUT = webhook("a webhook with an address that was never given out is unauthorized");

export const requestMutations: readonly Mutation[] = [
  {
    name: "the advice to come back with the same key",
    guard: "A client that does not know whether it was charged learns the way that never charges twice.",
    file: `${FUNCTIONS}/_shared/errors/request-errors.ts`,
    find: 'error.code === "unavailable" && hasKey',
    replace: "false",
    test: outages("a database out of reach is 503 with a Retry-After, and the key stays free"),
  },
  {
    name: "the check of the user's token",
    guard: "A request acts for a user only with a token that Supabase Auth signed for them.",
    file: AUTHENTICATE,
    find: "() => verifyCredentials(credentials, { auth }));",
    replace: `() => {
    const payload = request.headers.get("authorization")?.split(".")[1] ?? "e30=";
    const claims = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return Promise.resolve({ data: { userClaims: { id: claims.sub, role: claims.role } }, error: null });
  });`,
    test: NO_USERS_OWN,
  },
  {
    name: "the end of a token that was verified before",
    guard: "A token that has ended has no user, though the instance has just seen it.",
    file: `${FUNCTIONS}/_shared/http/verified-tokens.ts`,
    find: "Math.min(exp * 1000, this.now() + KEPT_MS)",
    replace: "this.now() + KEPT_MS",
    test: {
      file: `${FUNCTIONS}/_shared/http/verified-tokens_test.ts`,
      name: "a token has no user after its end, though it was verified a moment before",
    },
  },
  {
    name: "the whole token as the name of its user",
    guard: "A token with another signature is verified, and does not pass for one that was.",
    file: `${FUNCTIONS}/_shared/http/authenticate.ts`,
    find: "verified.userOf(token)",
    replace: 'verified.userOf(token.split(".")[1] ?? "")',
    also: [{
      file: `${FUNCTIONS}/_shared/http/authenticate.ts`,
      find: "verified.keep(token, ",
      replace: 'verified.keep(token.split(".")[1] ?? "", ',
    }],
    test: errors("the token of a user who has just called is refused with another signature"),
  },
  {
    name: "the role in the user's token",
    guard: "A service token has no user, and does not pass for one.",
    file: AUTHENTICATE,
    find: 'data.userClaims?.role !== "authenticated" || ',
    replace: "",
    test: NO_USERS_OWN,
  },
  {
    name: "the secret of the worker",
    guard: "Only the project itself calls the worker.",
    file: `${FUNCTIONS}/advance-jobs/index.ts`,
    find: 'auth: "secret"',
    replace: 'auth: "none"',
    test: errors("the worker is called with the secret key only"),
  },
  {
    name: "the user_id of a body",
    guard: "A user cannot spend another user's credits by naming them.",
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
    guard: "A key answers the one request that it was used for.",
    file: FINGERPRINT,
    find: `      ${find}\n`,
    replace: "",
    test: field === "image_url" ? OTHER_IMAGE : OTHER_REQUEST,
  })),
  {
    name: "the request in the key of a request without one",
    guard: "A double tap is not two charges.",
    file: KEYS,
    find: "`repeat ${requestHash}`",
    replace: "`repeat ${crypto.randomUUID()}`",
    test: keyless("ten copies of a request at once without a key are one task and one charge"),
  },
  {
    name: "the difference of the keys of requests without one",
    guard: "Another request soon afterwards is not refused, nor answered with the first one's video.",
    file: KEYS,
    find: "`repeat ${requestHash}`",
    replace: '"repeat "',
    test: keyless("without a key another request, another user's and one with a key are tasks of their own"),
  },
  {
    name: "the space in the key of a request without one",
    guard: "A client's key never names a request that was sent without one.",
    file: KEYS,
    find: "`repeat ${requestHash}`",
    replace: "`repeat-${requestHash}`",
    test: keyless("no client can send the key that a request without one gets"),
  },
  {
    name: "the seconds of the key of a request without one",
    guard: "A user who wants the same video a second time gets a new one, and not the stored answer for a day.",
    file: KEYS,
    find: ", keySeconds: REPEAT_SECONDS }",
    replace: " }",
    test: keyless("without a key the same request is one task for ten seconds, and another one after them"),
  },
  {
    name: "the answer of a refund that was not confirmed, by a key of some seconds",
    guard: "A request without a key is not charged once more because its own refund was slow.",
    file: `${FUNCTIONS}/_shared/jobs/new-video.ts`,
    find: " && request.keySeconds === undefined",
    replace: "",
    test: {
      file: `${FUNCTIONS}/_shared/jobs/new-video_test.ts`,
      name: "with a key of some seconds it is not: the key may be over, and another start would charge again",
    },
  },
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
    test: webhook("a webhook forged with a key that is not fal's is unauthorized and wakes no job"),
  },
];
