import type { Random } from "../runtime/random.ts";

/** Every prompt word of the fal simulator (see its README), by what it changes. */
const RUN = [
  "validation content_policy no_media server_error server_error_final request_timeout user_timeout image_too_small",
  "runner_disconnected generation_timeout no_video expired hang stuck runner_lost position_up status_503=2",
  "status_500=1 result_500=1 result_503=2 huge_integers",
];
const SUBMIT = [
  "submit_drop_after submit_drop_after submit_drop_after submit_bad_json submit_drop_before submit_500 submit_502",
  "submit_503 submit_504 submit_429 submit_429 submit_locked submit_401",
];
const WEBHOOK = [
  "webhook_none webhook_copies=3 webhook_late=400s webhook_late=7200s webhook_before_answer webhook_early",
  "webhook_error_first webhook_forged webhook_tampered webhook_stale webhook_future webhook_other_user",
  "webhook_payload_error webhook_error",
];
const FILE = [
  "media_dead media_wrong_type media_oversized media_truncated media_stalled media_no_length media_foreign",
  "media_private_redirect media_redirect_loop size=300kb",
];
const CANCEL = ["cancel_ignored cancel_ok cancel_webhook"];

const split = (lines: string[]) => lines.join(" ").split(" ");
const WORDS = {
  run: split(RUN),
  submit: split(SUBMIT),
  webhook: split(WEBHOOK),
  file: split(FILE),
  cancel: split(CANCEL),
};

/** The prompt words of the RunPod and the Veo simulator. */
const RUNPOD = split([
  "failed handler_error output_error bad_input nsfw handler_timeout timed_out cancelled no_video output_base64",
  "output_text output_url output_videos hang stuck unknown_state progress gone status_503=2",
  "submit_drop_after submit_drop_after submit_drop_before submit_500 submit_503 submit_502 submit_429 submit_401",
  "submit_bad_json webhook_none webhook_none webhook_copies=3 cancel_ignored",
  "media_dead media_foreign media_private_redirect media_redirect_loop",
]);
const VEO = split([
  "safety safety_silent safety_audio safety_prompt error_13 error_14 no_samples empty hang expired status_503=2",
  "quota_minute quota_day bad_key submit_drop_after submit_drop_after submit_drop_before submit_500 submit_503",
  "submit_502 submit_bad_json media_dead media_foreign media_private_redirect media_redirect_loop",
  "media_oversized media_oversized media_oversized",
]);

/** The words of the Rendi simulator. */
const RENDI = split([
  "unreachable timeout out_of_memory bad_file no_files hang gone unknown_state status_503=2 sample_mode",
  "submit_drop_after submit_drop_after submit_drop_before submit_500 submit_503 submit_502 submit_429 submit_401",
  "submit_bad_json media_dead media_foreign media_private_redirect media_redirect_loop",
]);

/** Prompt words that say how the run of a request goes. Half of the runs go well. */
export function randomPromptWords(random: Random, provider: "fal" | "runpod" | "veo" = "fal"): string {
  const long = random.weighted({ short: 6, long: 1 }) === "long";
  const times = `queue=${random.whole(0, 20)}s run=${long ? 900 : random.whole(1, 90)}s`;
  if (provider === "fal") return [`[fal: ${times}]`, ...falFaults(random)].join(" ");
  const faults = random.chance(0.5) ? [] : [random.pick(provider === "veo" ? VEO : RUNPOD)];
  return [`[${provider}: ${times}]`, ...faults.map((word) => `[${provider}: ${word}${timesOf(random)}]`)].join(" ");
}

/** Prompt words for a later step. Most go well: otherwise almost no video would get its music. */
export function randomPromptWordsOfStep(random: Random): string {
  const times = `queue=${random.whole(0, 4)}s run=${random.whole(1, 12)}s`;
  return [`[fal: ${times}]`, ...(random.chance(0.7) ? [] : falFaults(random))].join(" ");
}

/** The same for a command of Rendi, which has no prompt. */
export function randomCommandWords(random: Random): string {
  const times = `[rendi: queue=${random.whole(0, 4)}s run=${random.whole(1, 12)}s]`;
  return random.chance(0.7) ? times : `${times} [rendi: ${random.pick(RENDI)}]`;
}

function falFaults(random: Random): string[] {
  const kind = random.weighted({ well: 50, run: 14, submit: 16, webhook: 14, file: 10, cancel: 3, two: 6 });
  const kinds = kind === "two" ? (["submit", "webhook"] as const) : kind === "well" ? [] : [kind];
  return kinds.map((each) => `[fal: ${random.pick(WORDS[each])}${timesOf(random)}]`);
}

function timesOf(random: Random): string {
  return random.chance(0.5) ? ` times=${random.whole(1, 2)}` : "";
}
