import type { JsonObject } from "../shared/json.ts";
import { unknownWord } from "../shared/faults.ts";
import { originOf } from "../shared/media.ts";
import type { Words } from "../shared/words.ts";

/** How a run can end. */
export type EndState = "COMPLETED" | "FAILED" | "TIMED_OUT" | "CANCELLED";

/** The end of a run: its state and what its status body says besides. */
export interface Ending {
  state: EndState;
  body: JsonObject;
}

const failed = (error: string): Ending => ({ state: "FAILED", body: { error } });
const completed = (output: JsonObject | string): Ending => ({ state: "COMPLETED", body: { output } });

/** How a run ends, by the word for it. Each makes a new ending, from where its files are. */
const OUTCOMES: Readonly<Record<string, (files: string) => Ending>> = {
  failed: () => failed("RuntimeError: CUDA out of memory. Tried to allocate 2.50 GiB"),
  handler_error: () => failed("The workflow has no output node"),
  output_error: () => completed({ error: "The workflow has no output node" }),
  bad_input: () => failed("seed should be <class 'int'> type, not <class 'str'>."),
  nsfw: () => failed("NSFW content detected by the safety checker"),
  handler_timeout: () => failed("Timeout while waiting for ComfyUI"),
  timed_out: () => ({ state: "TIMED_OUT", body: {} }),
  cancelled: () => ({ state: "CANCELLED", body: {} }),
  no_video: () => completed({ seconds: 12.5 }),
  output_base64: () => completed({ video: "AAAAIGZ0eXBpc29tAAACAGlzb21pc28y" }),
  output_failed: () => completed({ result: "FAILED: CUDA out of memory" }),
  output_result: (files) => completed({ result: `${files}/output.mp4`, status: "DONE" }),
  output_text: (files) => completed(`${files}/output.mp4`),
  output_url: (files) => completed({ url: `${files}/output.mp4` }),
  output_videos: (files) => completed({ videos: [{ url: `${files}/output.mp4` }] }),
};

/** Other words that change what a run does. */
const BEHAVIOUR: ReadonlySet<string> = new Set([
  "stuck",
  "gone",
  "unknown_state",
  "progress",
  "cancel_ignored",
  "webhook_none",
  "webhook_copies",
]);

/** The end that the words ask for; without any a video. */
export function endingOf(words: Words, origin: string, id: string): Ending {
  const unknown = unknownWord(words, (word) => Object.hasOwn(OUTCOMES, word) || BEHAVIOUR.has(word));
  if (unknown !== undefined) return failed(`The RunPod simulator does not know the word "${unknown}"`);
  const files = `${originOf(origin, words)}/files/${id}`;
  for (const [word, ending] of Object.entries(OUTCOMES)) if (words.has(word)) return ending(files);
  return completed({ video_url: `${files}/output.mp4`, thumbnail_url: `${files}/output.jpg`, seed: 42 });
}
