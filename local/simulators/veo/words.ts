import type { JsonObject } from "../shared/json.ts";
import { alone, type Vocabulary, type Word } from "../shared/prompt-words.ts";
import { COMMON_WORDS, type CommonScript } from "../shared/script.ts";

/** What is to happen to an operation; a field that is missing goes well. */
export interface VeoScript extends CommonScript {
  /** The fields of the operation that is done, besides its name; by default a video. */
  ending?: JsonObject;
  /** Never ends. */
  hang?: boolean;
  /** Its status is a 404, as after two days. */
  expired?: boolean;
  refusal?: "quota_minute" | "quota_day" | "bad_key";
}

/** Messages for the codes of google.rpc. */
const RPC_MESSAGES: Readonly<Record<number, string>> = {
  3: "The prompt is too long",
  8: "Resource has been exhausted (e.g. check quota).",
  13: "Video generation failed due to an internal server issue. Please try again in a few minutes.",
  14: "The model is overloaded. Please try again later.",
};
const LARGEST_CODE = 99;

const ending = (body: JsonObject) => alone<VeoScript>({ ending: body });
const filtered = (...reasons: string[]) =>
  ending(succeeded({ raiMediaFilteredCount: 1, ...(reasons.length > 0 ? { raiMediaFilteredReasons: reasons } : {}) }));

/** The words that Veo's simulator knows. Its README lists them. */
export const VEO_VOCABULARY: Vocabulary<VeoScript> = {
  provider: "veo",
  failing: (message) => ({ ending: failed(3, message) }),
  words: {
    ...COMMON_WORDS,
    safety: filtered("The video was blocked by our safety filters. Support codes: 29310472"),
    safety_silent: filtered(),
    safety_audio: filtered("We encountered an issue with the audio for your prompt and could not create the video."),
    safety_prompt: ending(failed(3, "The prompt contains words that violate our usage guidelines.")),
    no_samples: ending(succeeded({ generatedSamples: [] })),
    empty: ending({}),
    ...errorWords(),
    hang: alone({ hang: true }),
    expired: alone({ expired: true }),
    quota_minute: alone({ refusal: "quota_minute" }),
    quota_day: alone({ refusal: "quota_day" }),
    bad_key: alone({ refusal: "bad_key" }),
  },
};

/** The end of an operation that makes a video. */
export function videoEnding(uri: string): JsonObject {
  return succeeded({ generatedSamples: [{ video: { uri } }] });
}

function errorWords(): Record<string, Word<VeoScript>> {
  const codes = Array.from({ length: LARGEST_CODE }, (_, index) => index + 1);
  return Object.fromEntries(
    codes.map((code) => [`error_${code}`, ending(failed(code, RPC_MESSAGES[code] ?? `Simulated ${code}`))]),
  );
}

function succeeded(answer: JsonObject): JsonObject {
  return {
    response: {
      "@type": "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse",
      generateVideoResponse: answer,
    },
  };
}

function failed(code: number, message: string): JsonObject {
  return { error: { code, message } };
}
