import { alone, withCount, withSize, withTime, type WordTable } from "./prompt-words.ts";

/** What can go wrong with a submission; a number is the HTTP code that refuses it. */
export const SUBMIT_FAULTS = [
  "drop_before",
  "drop_after",
  "bad_json",
  "401",
  "402",
  "403",
  "404",
  "429",
  "500",
  "502",
  "503",
  "504",
] as const;

/** What can be wrong with an output file. */
export const MEDIA_FAULTS = [
  "dead",
  "wrong_type",
  "oversized",
  "truncated",
  "stalled",
  "no_length",
  "foreign",
  "private_redirect",
  "redirect_loop",
] as const;

/** A fault of a submission. */
export type SubmitFault = typeof SUBMIT_FAULTS[number];

/** A fault of an output file. */
export type MediaFault = typeof MEDIA_FAULTS[number];

/** The first calls that fail, and with which code. */
export interface FailingCalls {
  code: number;
  times: number;
}

/** What every simulator can be asked to do with a request. Each provider's script adds its own fields. */
export interface CommonScript {
  /** How many submissions of the same prompt the script counts for; without it, all of them. */
  times?: number | undefined;
  queueMs?: number | undefined;
  runMs?: number | undefined;
  submit?: SubmitFault | undefined;
  /** The submission is accepted at once and answered this late. */
  answerAfterMs?: number | undefined;
  statusFault?: FailingCalls | undefined;
  media?: MediaFault | undefined;
  /** The size of the video file. */
  mediaBytes?: number | undefined;
}

/** The words that every simulator knows. `local/simulators/README.md` lists them. */
export const COMMON_WORDS: WordTable<CommonScript> = {
  times: withCount((times) => ({ times })),
  queue: withTime((queueMs) => ({ queueMs })),
  run: withTime((runMs) => ({ runMs })),
  slow: withTime((answerAfterMs) => ({ answerAfterMs })),
  size: withSize((mediaBytes) => ({ mediaBytes })),
  ...Object.fromEntries(SUBMIT_FAULTS.map((submit) => [`submit_${submit}`, alone({ submit })])),
  ...Object.fromEntries(MEDIA_FAULTS.map((media) => [`media_${media}`, alone({ media })])),
  ...failingCalls("status", (statusFault) => ({ statusFault })),
};

/** The words `status_400` to `status_599` and the like: `status_503` fails the first call, `status_503=2` the first two. */
export function failingCalls<Script>(kind: string, script: (calls: FailingCalls) => Script): WordTable<Script> {
  const codes = Array.from({ length: 200 }, (_, index) => 400 + index);
  return Object.fromEntries(codes.map((code) => {
    const word = withCount((times) => script({ code, times }));
    return [`${kind}_${code}`, (value: string | undefined) => word(value ?? "1")];
  }));
}

/** The code that call number `count` fails with; undefined where it succeeds. */
export function failureOfCall(failing: FailingCalls | undefined, count: number): number | undefined {
  return failing !== undefined && count <= failing.times ? failing.code : undefined;
}
