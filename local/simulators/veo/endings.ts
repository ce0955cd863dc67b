import type { JsonObject } from "../shared/json.ts";
import { unknownWord } from "../shared/faults.ts";
import { originOf } from "../shared/media.ts";
import type { Words } from "../shared/words.ts";

const RPC_MESSAGES: Readonly<Record<number, string>> = {
  3: "The prompt is too long",
  8: "Resource has been exhausted (e.g. check quota).",
  13: "Video generation failed due to an internal server issue. Please try again in a few minutes.",
  14: "The model is overloaded. Please try again later.",
};

const succeeded = (answer: JsonObject): JsonObject => ({
  response: {
    "@type": "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse",
    generateVideoResponse: answer,
  },
});

const filtered = (...reasons: string[]) =>
  succeeded({ raiMediaFilteredCount: 1, ...(reasons.length > 0 ? { raiMediaFilteredReasons: reasons } : {}) });

const failed = (code: number, message: string): JsonObject => ({ error: { code, message } });

/** How an operation ends, by the word for it. */
const ENDINGS: Readonly<Record<string, JsonObject>> = {
  safety: filtered("The video was blocked by our safety filters. Support codes: 29310472"),
  safety_silent: filtered(),
  safety_audio: filtered("We encountered an issue with the audio for your prompt and could not create the video."),
  safety_prompt: failed(3, "The prompt contains words that violate our usage guidelines."),
  no_samples: succeeded({ generatedSamples: [] }),
  empty: {},
};

/** Other words that change what an operation does. */
const BEHAVIOUR: ReadonlySet<string> = new Set(["expired", "quota_day", "quota_minute", "bad_key"]);

/** The end that the words ask for; without any a video. */
export function endingOf(words: Words, origin: string, id: string): JsonObject {
  const unknown = unknownWord(
    words,
    (word) => Object.hasOwn(ENDINGS, word) || BEHAVIOUR.has(word) || /^error_\d+$/.test(word),
  );
  if (unknown !== undefined) return failed(3, `The Veo simulator does not know the word "${unknown}"`);
  for (const [word, ending] of Object.entries(ENDINGS)) if (words.has(word)) return ending;
  const code = Number([...words.keys()].find((word) => word.startsWith("error_"))?.slice("error_".length) ?? 0);
  if (code > 0) return failed(code, RPC_MESSAGES[code] ?? `Simulated ${code}`);
  const uri = `${originOf(origin, words)}/v1beta/files/${id}:download?alt=media`;
  return succeeded({ generatedSamples: [{ video: { uri } }] });
}
