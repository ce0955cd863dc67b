import { isOutcomeName, type OutcomeName } from "./outcomes.ts";
import { MEDIA_FAULTS, type Script, SUBMIT_FAULTS } from "./script.ts";

/** Short names of outcomes, beside their own. */
const SHORT_OUTCOMES: Readonly<Record<string, OutcomeName>> = {
  content_policy: "content_policy_violation",
  no_media: "no_media_generated",
  server_error: "internal_server_error",
};

/** More than five minutes: what a receiver must refuse. */
const STALE_SECONDS = 301;

const FLAGS: Readonly<Record<string, Script>> = {
  stuck: { stuck: true },
  position_up: { positionRises: true },
  runner_lost: { runnerLost: true },
  cancel_ignored: { cancel: "ignored" },
  cancel_ok: { cancelAnswer: 200 },
  cancel_webhook: { cancelWebhook: true },
  huge_integers: { hugeIntegers: true },
  webhook_none: { webhook: { lost: true } },
  webhook_before_answer: { webhook: { beforeAnswer: true } },
  webhook_early: { webhook: { early: true } },
  webhook_error_first: { webhook: { errorFirst: true } },
  webhook_forged: { webhook: { forged: true } },
  webhook_tampered: { webhook: { tampered: true } },
  webhook_stale: { webhook: { timestampOffsetSeconds: -STALE_SECONDS } },
  webhook_future: { webhook: { timestampOffsetSeconds: STALE_SECONDS } },
  webhook_payload_error: { webhook: { payloadError: true } },
  webhook_error: { webhook: { status: "ERROR" } },
  webhook_other_user: { webhook: { userId: "another-user" } },
};

const VALUES: Readonly<Record<string, (value: string) => Script | undefined>> = {
  queue: (value) => withMs(value, (queueMs) => ({ queueMs })),
  run: (value) => withMs(value, (runMs) => ({ runMs })),
  slow: (value) => withMs(value, (answerAfterMs) => ({ answerAfterMs })),
  webhook_late: (value) => withMs(value, (lateMs) => ({ webhook: { lateMs } })),
  webhook_copies: (value) => withCount(value, (copies) => ({ webhook: { copies } })),
  times: (value) => withCount(value, (times) => ({ times })),
  size: (value) => withBytes(value, (mediaBytes) => ({ mediaBytes })),
};

/** The scripts that a prompt asks for: one for each `[fal: word name=value …]`. */
export function scriptsInPrompt(prompt: string): Script[] {
  return [...prompt.matchAll(/\[fal:([^\]]*)\]/gi)].map((group) => {
    const words = (group[1] ?? "").toLowerCase().split(/[\s,;]+/).filter((word) => word !== "");
    return words.map((word) => scriptOfWord(word) ?? unknownWord(word)).reduce(mergeScripts, {});
  });
}

/** Both scripts in one; where both speak, the second. */
export function mergeScripts(first: Script, second: Script): Script {
  const merged = { ...first, ...second };
  return first.webhook && second.webhook ? { ...merged, webhook: { ...first.webhook, ...second.webhook } } : merged;
}

function scriptOfWord(word: string): Script | undefined {
  const [name = "", value] = word.split("=", 2);
  const outcome = SHORT_OUTCOMES[name] ?? name;
  if (value === undefined && isOutcomeName(outcome)) return { outcome };
  if (value === undefined && Object.hasOwn(FLAGS, name)) return FLAGS[name];
  if (value !== undefined && Object.hasOwn(VALUES, name)) return VALUES[name]?.(value);
  const submit = SUBMIT_FAULTS.find((fault) => name === `submit_${fault}`);
  if (submit !== undefined && value === undefined) return { submit };
  const media = MEDIA_FAULTS.find((fault) => name === `media_${fault}`);
  if (media !== undefined && value === undefined) return { media };
  const failing = name.match(/^(status|result)_([45]\d\d)$/);
  if (failing === null) return undefined;
  return withCount(value ?? "1", (times) => {
    const fault = { code: Number(failing[2]), times };
    return failing[1] === "status" ? { statusFault: fault } : { resultFault: fault };
  });
}

/** A typing error shows up as the run's failure, else a demo would just succeed. */
function unknownWord(word: string): Script {
  const msg = `The fal simulator does not know the word "${word}"`;
  return { outcome: { status: 422, body: { detail: [{ loc: ["body", "prompt"], msg, type: "unknown_word" }] } } };
}

function withMs(value: string, script: (ms: number) => Script): Script | undefined {
  return withUnit(value, { "": 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }, script);
}

function withBytes(value: string, script: (bytes: number) => Script): Script | undefined {
  return withUnit(value, { "": 1, b: 1, kb: 1000, mb: 1_000_000, gb: 1_000_000_000 }, script);
}

function withCount(value: string, script: (count: number) => Script): Script | undefined {
  return /^[1-9]\d*$/.test(value) ? script(Number(value)) : undefined;
}

function withUnit(
  value: string,
  units: Readonly<Record<string, number>>,
  script: (amount: number) => Script,
): Script | undefined {
  const parts = value.match(/^(\d+(?:\.\d+)?)([a-z]*)$/);
  const factor = units[parts?.[2] ?? ""];
  return parts === null || factor === undefined ? undefined : script(Math.round(Number(parts[1]) * factor));
}
