// Transitions: their keys, their files, and what they may be delivered without.
import type { Mutation } from "./mutation.ts";

const FUNCTIONS = "supabase/functions";
const START = `${FUNCTIONS}/_shared/jobs/start.ts`;
const TRANSITIONS = `${FUNCTIONS}/transitions/create.ts`;
const ADVANCE = `${FUNCTIONS}/_shared/jobs/advance.ts`;
const transitions = (name: string) => ({ file: "tests/api/transition_keys_test.ts", name });
const batches = (name: string) => ({ file: "tests/api/transition_batch_test.ts", name });
const partFailures = (name: string) => ({ file: "tests/api/transition_failures_test.ts", name });

export const transitionMutations: readonly Mutation[] = [
  {
    name: "the body in the fingerprint of a transition",
    guard: "A key answers the one request that it was used for.",
    file: TRANSITIONS,
    find: 'canonicalJson(["transition", withoutMaxCredits(body)])',
    replace: 'canonicalJson(["transition"])',
    test: transitions("the key of another request is 422, be that a transition or a plain generation"),
  },
  {
    name: "the body in the fingerprint of a batch",
    guard: "A key answers the one batch that it was used for: no part of another one is charged under it.",
    file: TRANSITIONS,
    find: 'canonicalJson(["transitions", { transitions: body.transitions.map(withoutMaxCredits) }])',
    replace: 'canonicalJson(["transitions"])',
    test: batches("a batch with one more under the same key is 422 and starts nothing"),
  },
  {
    name: "the check of all keys of a batch",
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
    find: 'canonicalJson(["batch", identity.idempotencyKey, index])',
    replace: 'canonicalJson(["batch", index])',
    test: batches("the same batch with another key is another batch"),
  },
  {
    name: "the place in the keys of a batch's transitions",
    guard: "Each transition of a batch has a key of its own.",
    file: TRANSITIONS,
    find: 'canonicalJson(["batch", identity.idempotencyKey, index])',
    replace: 'canonicalJson(["batch", identity.idempotencyKey])',
    test: batches("each transition of a batch is charged, answered and made by itself"),
  },
  {
    name: "the folder of an uploaded image",
    guard: "A user cannot have a video made of another user's file.",
    file: START,
    find: "if (path && !path.startsWith(`${context.userId}/`)) {",
    replace: "if (false) {",
    test: { file: "tests/api/transition_images_test.ts", name: "another user's upload is refused for either image" },
  },
  {
    name: "the step that is skipped when it has failed for good",
    guard: "A video that its owner takes without music is not failed for it.",
    file: ADVANCE,
    find: "if (!leased.step.optional) return await fail(context, leased, code, cause);",
    replace: "if (true) return await fail(context, leased, code, cause);",
    test: partFailures("without music, where music may be missing, the rest is delivered and music given back"),
  },
  {
    name: "the failure of a step that the video needs",
    guard: "A user who requires the music is refunded when there is none.",
    file: ADVANCE,
    find: "if (!leased.step.optional) return await fail(context, leased, code, cause);",
    replace: "",
    test: partFailures(
      "music that fails for good fails the transition, refunded once and in full, without a file left",
    ),
  },
  {
    name: "the cancellation of the run of a skipped step",
    guard: "A run that the video no longer waits for does not go on at our cost.",
    file: ADVANCE,
    find: "    await cancelRun(context, leased);\n",
    replace: "",
    test: partFailures(
      "a voice that never comes is waited for with patience, then stopped, and its credit given back",
    ),
  },
];
