import type { JsonObject } from "../shared/json.ts";
import { alone, type Vocabulary, withCount } from "../shared/prompt-words.ts";
import { COMMON_WORDS, type CommonScript } from "../shared/script.ts";

/** How a run can end. */
export type EndState = "COMPLETED" | "FAILED" | "TIMED_OUT" | "CANCELLED";

/** The end of a run: its state and the other fields of its status. */
export interface Ending {
  state: EndState;
  body: JsonObject;
}

/** What is to happen to a run; a field that is missing goes well. */
export interface RunpodScript extends CommonScript {
  /** The end of the run, given the address of its files; by default a video. */
  ending?: (files: string) => Ending;
  /** Never ends. */
  hang?: boolean;
  /** Never leaves the queue. */
  stuck?: boolean;
  /** Its status is a 404 from the start. */
  gone?: boolean;
  unknownState?: boolean;
  progress?: boolean;
  cancelIgnored?: boolean;
  webhook?: { lost?: boolean; copies?: number };
}

const failed = (error: string) => ending("FAILED", { error });
const completed = (output: JsonObject) => ending("COMPLETED", { output });
const ending = (state: EndState, body: JsonObject) => alone<RunpodScript>({ ending: () => ({ state, body }) });
const completedWith = (output: (files: string) => JsonObject | string) =>
  alone<RunpodScript>({ ending: (files) => ({ state: "COMPLETED", body: { output: output(files) } }) });

/** The words that RunPod's simulator knows. Its README lists them. */
export const RUNPOD_VOCABULARY: Vocabulary<RunpodScript> = {
  provider: "runpod",
  failing: (error) => ({ ending: () => ({ state: "FAILED", body: { error } }) }),
  words: {
    ...COMMON_WORDS,
    failed: failed("RuntimeError: CUDA out of memory. Tried to allocate 2.50 GiB"),
    handler_error: failed("The workflow has no output node"),
    output_error: completed({ error: "The workflow has no output node" }),
    bad_input: failed("seed should be <class 'int'> type, not <class 'str'>."),
    nsfw: failed("NSFW content detected by the safety checker"),
    handler_timeout: failed("Timeout while waiting for ComfyUI"),
    timed_out: ending("TIMED_OUT", {}),
    cancelled: ending("CANCELLED", {}),
    no_video: completed({ seconds: 12.5 }),
    output_base64: completed({ video: "AAAAIGZ0eXBpc29tAAACAGlzb21pc28y" }),
    output_failed: completed({ result: "FAILED: CUDA out of memory" }),
    output_result: completedWith((files) => ({ result: `${files}/output.mp4`, status: "DONE" })),
    output_text: completedWith((files) => `${files}/output.mp4`),
    output_url: completedWith((files) => ({ url: `${files}/output.mp4` })),
    output_videos: completedWith((files) => ({ videos: [{ url: `${files}/output.mp4` }] })),
    hang: alone({ hang: true }),
    stuck: alone({ stuck: true }),
    gone: alone({ gone: true }),
    unknown_state: alone({ unknownState: true }),
    progress: alone({ progress: true }),
    cancel_ignored: alone({ cancelIgnored: true }),
    webhook_none: alone({ webhook: { lost: true } }),
    webhook_copies: withCount((copies) => ({ webhook: { copies } })),
  },
};

/** The end of a run that makes a video. */
export function videoEnding(files: string): Ending {
  const output = { video_url: `${files}/output.mp4`, thumbnail_url: `${files}/output.jpg`, seed: 42 };
  return { state: "COMPLETED", body: { output } };
}
