import { alone, type Vocabulary, withCount, withTime } from "../shared/prompt-words.ts";
import { COMMON_WORDS, failingCalls } from "../shared/script.ts";
import { OUTCOME_NAMES } from "./outcomes.ts";
import type { Script, WebhookScript } from "./script.ts";

/** More than five minutes: a receiver must refuse it. */
const STALE_SECONDS = 301;

const webhook = (script: WebhookScript) => alone<Script>({ webhook: script });

/** The words that fal's simulator knows. Its README lists them. */
export const FAL_VOCABULARY: Vocabulary<Script> = {
  provider: "fal",
  failing: (msg) => ({
    outcome: { status: 422, body: { detail: [{ loc: ["body", "prompt"], msg, type: "unknown_word" }] } },
  }),
  words: {
    ...COMMON_WORDS,
    ...Object.fromEntries(OUTCOME_NAMES.map((outcome) => [outcome, alone<Script>({ outcome })])),
    content_policy: alone({ outcome: "content_policy_violation" }),
    no_media: alone({ outcome: "no_media_generated" }),
    server_error: alone({ outcome: "internal_server_error" }),
    stuck: alone({ stuck: true }),
    position_up: alone({ positionRises: true }),
    runner_lost: alone({ runnerLost: true }),
    huge_integers: alone({ hugeIntegers: true }),
    submit_locked: alone({ submit: "locked" }),
    ...failingCalls("result", (resultFault) => ({ resultFault })),
    cancel_ignored: alone({ cancel: "ignored" }),
    cancel_ok: alone({ cancelAnswer: 200 }),
    cancel_webhook: alone({ cancelWebhook: true }),
    webhook_none: webhook({ lost: true }),
    webhook_copies: withCount((copies) => ({ webhook: { copies } })),
    webhook_late: withTime((lateMs) => ({ webhook: { lateMs } })),
    webhook_before_answer: webhook({ beforeAnswer: true }),
    webhook_early: webhook({ early: true }),
    webhook_error_first: webhook({ errorFirst: true }),
    webhook_forged: webhook({ forged: true }),
    webhook_tampered: webhook({ tampered: true }),
    webhook_stale: webhook({ timestampOffsetSeconds: -STALE_SECONDS }),
    webhook_future: webhook({ timestampOffsetSeconds: STALE_SECONDS }),
    webhook_payload_error: webhook({ payloadError: true }),
    webhook_error: webhook({ status: "ERROR" }),
    webhook_other_user: webhook({ userId: "another-user" }),
  },
};
