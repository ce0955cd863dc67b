// The adapters: a submission is sent once, only the provider itself ends a run, and files are videos from its own hosts.
import type { Mutation } from "./mutation.ts";

const SHARED = "supabase/functions/_shared";
const ADAPTER = `${SHARED}/providers/fal/falai-adapter.ts`;
const SEND_ONCE = `${SHARED}/providers/send-once.ts`;
const FAL_FETCH = `${SHARED}/providers/fal/fal-fetch.ts`;
const FAL_ERRORS = `${SHARED}/providers/fal/fal-errors.ts`;
const FAL_WEBHOOK = `${SHARED}/providers/fal/fal-webhook.ts`;
const ERROR_CLASS = `${SHARED}/providers/error-class.ts`;
const JSON_API = `${SHARED}/providers/json-api.ts`;
const RUNPOD = `${SHARED}/providers/runpod/runpod-adapter.ts`;
const VEO = `${SHARED}/providers/veo/veo-adapter.ts`;
const conformance = (name: string) => ({ file: "tests/conformance/provider_conformance_test.ts", name });
const falTest = (subject: string, name: string) => ({ file: `${SHARED}/providers/fal/fal-${subject}_test.ts`, name });
const webhook = (name: string) => ({ file: "tests/api/webhook_test.ts", name });
const CERTAIN =
  "return (status >= 400 && status < 500 && status !== 408 && status !== 499) || status === 500 || status === 503;";
const TOLERANCE = "Math.abs(now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS";

export const submissionMutations: readonly Mutation[] = [
  {
    name: "the one submission of the fal client",
    guard: "A refused submission is sent once: the client would send it three times.",
    file: FAL_FETCH,
    find: "if (!isSuccess(answer)) throw new FalErrorAnswer(answer);",
    replace: "if (!isSuccess(answer)) return Response.json(answer.body, { status: answer.status });",
    test: conformance(
      "fal: a submission with submit_503 is retryable provider_busy and has not started, after one POST",
    ),
  },
  {
    name: "the one submission on a connection that drops",
    guard: "A submission whose connection drops is sent once: the client would send it three times.",
    file: SEND_ONCE,
    find: 'throw new NoResponse(detail, signal?.aborted ?? false, !detail.includes("client error (Connect)"));',
    replace: "throw error;",
    test: conformance("fal: a submission whose connection drops may have started, after one connection"),
  },
  {
    name: "the one submission of Deno",
    guard: "A submission on a connection that was kept open is sent once: Deno would send it twice.",
    file: SEND_ONCE,
    find: "...streamOnce(init.body), ",
    replace: "",
    test: conformance("fal: a submission on a kept-alive connection that drops is not sent again, also not by Deno"),
  },
  {
    name: "the redirect of a submission, with the body that is read once",
    guard: "A redirect would be a second submission: it is not followed, and there is nothing left to send.",
    file: SEND_ONCE,
    find: 'redirect: "manual"',
    replace: 'redirect: "follow"',
    also: [{ file: SEND_ONCE, find: "...streamOnce(init.body), ", replace: "" }],
    test: conformance("fal: a redirect of a submission is not followed, and the run may have started"),
  },
  {
    name: "the request that may have arrived",
    guard: "What broke off after it was sent may be running.",
    file: SEND_ONCE,
    find: '!detail.includes("client error (Connect)")',
    replace: "false",
    test: conformance("fal: a submission whose connection drops may have started, after one connection"),
  },
  ...([
    ["408", " && status !== 408"],
    ["499", " && status !== 499"],
  ] as const).map(([status, find]) => ({
    name: `${status} as an answer to a submission`,
    guard: `How far a submission came that was answered ${status} is open.`,
    file: ERROR_CLASS,
    find,
    replace: "",
    test: conformance(`fal: a submission answered with a gateway's ${status} may have started, after one POST`),
  })),
  ...["502", "504"].map((status) => ({
    name: `a gateway's ${status} as an answer to a submission`,
    guard: "Behind a gateway's error the submission may be running.",
    file: ERROR_CLASS,
    find: CERTAIN,
    replace: CERTAIN.replace("status === 500", `status === ${status} || status === 500`),
    test: conformance(`fal: a submission answered with a gateway's ${status} may have started, after one POST`),
  })),
  {
    name: "an answer to a submission that cannot be understood",
    guard: "A success without an id may be running.",
    file: ADAPTER,
    find: `throw badAnswerError("the submission's answer has no request_id", true);`,
    replace: `throw badAnswerError("the submission's answer has no request_id");`,
    test: conformance("fal: a submission answered with an empty object may have started, after one POST"),
  },
  {
    name: "a 403 about one request",
    guard: "A user whose text or model is not allowed does not close the provider for all.",
    file: ERROR_CLASS,
    find: '[403, rejected("provider_unauthorized")]',
    replace: '[403, fatal("provider_unauthorized")]',
    test: {
      file: "tests/recovery/circuit_test.ts",
      name: "a 403 about one request refuses that request alone, and a locked account opens the circuit",
    },
  },
  {
    name: "a locked account at fal",
    guard: "A locked account takes no further charge.",
    file: FAL_ERRORS,
    find: 'if (isLocked) return fatal("provider_locked");',
    replace: "",
    test: {
      file: "tests/recovery/circuit_test.ts",
      name: "a 403 about one request refuses that request alone, and a locked account opens the circuit",
    },
  },
  {
    name: "the model that was paid for",
    guard: "Users get the model that they paid for, and no cheaper one.",
    file: ADAPTER,
    find: '"x-app-fal-disable-fallback": "true",',
    replace: "",
    test: falTest(
      "submit",
      "a submission has the input, the key, the webhook, the start limit and the files' lifetime",
    ),
  },
];

/** RunPod and Veo, which are called without a client library. */
export const jsonApiMutations: readonly Mutation[] = [
  ...([["runpod", "502", "retryable provider_error"], ["veo", "504", "retryable provider_timeout"]] as const).map((
    [provider, status, errorClass],
  ) => ({
    name: `a gateway's ${status} as an answer to a submission to ${provider}`,
    guard: "Behind a gateway's error the submission may be running.",
    file: ERROR_CLASS,
    find: CERTAIN,
    replace: CERTAIN.replace("status === 500", `status === ${status} || status === 500`),
    test: conformance(
      `${provider}: a submission with submit_${status} is ${errorClass} and may have started, after one POST`,
    ),
  })),
  {
    name: "the request to RunPod or Veo that may have arrived",
    guard: "What broke off after it was sent may be running.",
    file: JSON_API,
    find: "throw requestError(error, true);",
    replace: "throw requestError(error, false);",
    test: conformance("veo: a submission whose connection drops may have started, after one connection"),
  },
  {
    name: "an answer of RunPod to a submission that cannot be understood",
    guard: "A success without an id may be running.",
    file: RUNPOD,
    find: `throw badAnswerError("the submission's answer has no id", true);`,
    replace: `throw badAnswerError("the submission's answer has no id");`,
    test: conformance("runpod: a submission answered with an HTML page may have started, after one POST"),
  },
  {
    name: "a check at RunPod answered with an error",
    guard: "A check that failed does not end the run.",
    file: RUNPOD,
    find: "if (isGone(reply.errorAnswer)) return",
    replace: "return",
    test: conformance(
      "runpod: a check answered with a gateway's 500 throws retryable provider_error, after one request",
    ),
  },
  {
    name: "the one video of a Veo submission",
    guard: "A submission makes the one video that was paid for.",
    file: VEO,
    find: "parameters: { ...parameters, sampleCount: 1 },",
    replace: "parameters,",
    test: {
      file: `${SHARED}/providers/veo/veo-adapter_test.ts`,
      name: "a job's flat input is split into instance and parameters",
    },
  },
];

export const checkMutations: readonly Mutation[] = [
  {
    name: "a check answered with an error",
    guard: "A check that failed does not end the run.",
    file: ADAPTER,
    find:
      "if (isNotFound(reply.errorAnswer)) return expired(reply.errorAnswer);\n    throw transient(classify(reply.errorAnswer));",
    replace: "return expired(reply.errorAnswer);",
    test: conformance("fal: a check answered with a gateway's 500 throws retryable provider_error, after one request"),
  },
  {
    name: "a check answered by a router",
    guard: "A 404 that does not speak of the request says nothing about the run.",
    file: FAL_ERRORS,
    find: 'return body.status === "NOT_FOUND" || /\\brequest\\b/i.test(textOf(body));',
    replace: "return true;",
    test: conformance(
      "fal: a check answered with a gateway's 404 throws retryable provider_model_missing, after one request",
    ),
  },
  {
    name: "an unknown state",
    guard: "Only a completed run is over.",
    file: ADAPTER,
    find: 'if (status.status !== "COMPLETED") {',
    replace: 'if (status.status === "IN_PROGRESS") {',
    test: conformance("fal: a check answered with an unknown state leaves the run running"),
  },
  {
    name: "a result answered by a gateway",
    guard: "A gateway's error is no failure of the run: a second run would be paid for.",
    file: ADAPTER,
    find: "if (isRunFailure(result.errorAnswer)) {",
    replace: "if (true) {",
    test: falTest(
      "check",
      "a result answered with a gateway's 502 throws after one GET, unless the status reported a failure",
    ),
  },
  {
    name: "a result answered about us",
    guard: "An error of our account is no failure of the run.",
    file: FAL_ERRORS,
    find: "if (CALLER_STATUSES.has(answer.status)) return false;",
    replace: "",
    test: falTest("check", "a result answered with 429 throws after one GET, unless the status reported a failure"),
  },
];

export const signatureMutations: readonly Mutation[] = [
  {
    name: "the signature",
    guard: "A webhook was signed by fal.",
    file: FAL_WEBHOOK,
    find: "if (await keys.haveSigned(signature, message)) return true;",
    replace: "return true;",
    test: webhook("a webhook forged with a key that is not fal's is unauthorized and wakes no job"),
  },
  {
    name: "the body in the signature",
    guard: "A webhook's body is the one that fal signed.",
    file: FAL_WEBHOOK,
    find: "if (await keys.haveSigned(signature, message)) return true;",
    replace: "return true;",
    test: webhook("a webhook whose body was changed on the way is unauthorized and wakes no job"),
  },
  {
    name: "the tolerance of the past",
    guard: "An old webhook that is sent again is refused.",
    file: FAL_WEBHOOK,
    find: TOLERANCE,
    replace: "Number(timestamp) - now() / 1000 > TOLERANCE_SECONDS",
    test: webhook("a webhook signed five minutes ago and a second is unauthorized and wakes no job"),
  },
  {
    name: "the tolerance of the future",
    guard: "A webhook from the future could be replayed until its time has come.",
    file: FAL_WEBHOOK,
    find: TOLERANCE,
    replace: "now() / 1000 - Number(timestamp) > TOLERANCE_SECONDS",
    test: webhook("a webhook signed five minutes and a few seconds ahead is unauthorized and wakes no job"),
  },
];
