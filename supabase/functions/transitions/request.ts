import { z } from "zod";
import type { Json } from "../_shared/database/database.types.ts";
import { maxCredits, publicUrl, text, uploadedPath, uuid } from "../_shared/http/fields.ts";

const TYPES = ["FADE", "SLIDE", "ZOOM", "WIPE", "MORPH", "BLUR", "ROTATE", "ENERGETIC", "CALM"] as const;
const MAX_SECONDS = 60;
export const MAX_BATCH = 20;
/** Fast speech: a longer text would be cut off at the end of the video. */
const VOICEOVER_CHARACTERS_PER_SECOND = 20;

function oneOf<const Values extends readonly [string, ...string[]]>(
  values: Values,
): z.ZodEnum<{ [Value in Values[number]]: Value }> {
  return z.enum(values, { error: `must be one of: ${values.join(", ")}` });
}

const flag = z.boolean({ error: "must be true or false" });
const seconds = z.number({ error: "must be a number of seconds" }).min(0, { error: "must not be negative" });

const subtitle = z.strictObject({
  startTime: seconds,
  endTime: seconds,
  text: text(1, 500)
    .refine((value) => value.trim() !== "", { error: "must not be blank" })
    // In the subtitle file an empty line ends a subtitle, and a lone CR ends a line too.
    .refine((value) => !/\n[ \t]*\n|^\s*\n|\n\s*$/.test(value.replaceAll(/\r\n?/g, "\n")), {
      error: "must not have empty lines",
    }),
}).refine(({ startTime, endTime }) => startTime < endTime, { path: ["endTime"], error: "must be after startTime" });

const fields = z.strictObject({
  front_image: publicUrl.nullish(),
  front_image_path: uploadedPath.nullish(),
  tail_image: publicUrl.nullish(),
  tail_image_path: uploadedPath.nullish(),
  prompt: z.string({ error: "must be text" }).trim().pipe(text(1, 5000)),
  duration: z.int({ error: `must be a whole number from 1 to ${MAX_SECONDS}` })
    .min(1, { error: `must be a whole number from 1 to ${MAX_SECONDS}` })
    .max(MAX_SECONDS, { error: `must be a whole number from 1 to ${MAX_SECONDS}` }),
  transition_type: z.string({ error: "must be text" }).toUpperCase().pipe(oneOf(TYPES)).nullish(),
  enable_subtitles: flag.nullish(),
  subtitle_style: oneOf(["default", "bold", "animated", "minimal"]).nullish(),
  subtitle_position: oneOf(["bottom", "center", "top"]).nullish(),
  subtitles: z.array(subtitle, { error: "must be a list" }).max(200, { error: "must be a list of at most 200" })
    .nullish(),
  enable_music: flag.nullish(),
  music_type: oneOf(["ambient", "upbeat", "cinematic", "calm", "energetic"]).nullish(),
  music_volume: z.int({ error: "must be a whole number from 0 to 100" })
    .min(0, { error: "must be a whole number from 0 to 100" })
    .max(100, { error: "must be a whole number from 0 to 100" }).nullish(),
  enable_voiceover: flag.nullish(),
  voice_type: oneOf(["male", "female", "neutral"]).nullish(),
  voiceover_text: text(1, MAX_SECONDS * VOICEOVER_CHARACTERS_PER_SECOND).nullish(),
  /** The extras without which the video may be delivered; their price is refunded then. */
  deliver_without: z.array(oneOf(["music", "voiceover"]), { error: "must be a list" })
    .max(2, { error: "must be a list of at most 2" }).nullish(),
  model_id: uuid.nullish(),
  node_id: text(1, 128).nullish(),
  max_credits: maxCredits.nullish(),
});

/** The body of POST /transitions/create-and-generate/, and one of a batch. */
export const transitionBody = fields.superRefine((body, context) => {
  const demand = (holds: boolean, path: (string | number)[], message: string) => {
    if (!holds) context.addIssue({ code: "custom", path, message });
  };
  demand(
    !body.front_image !== !body.front_image_path,
    ["front_image"],
    "required: send either this field or front_image_path, not both",
  );
  demand(
    !body.tail_image !== !body.tail_image_path,
    ["tail_image"],
    "required: send either this field or tail_image_path, not both",
  );
  const subtitles = body.subtitles ?? [];
  demand(!body.enable_subtitles || subtitles.length > 0, ["subtitles"], "required where enable_subtitles is true");
  for (const [index, { endTime }] of subtitles.entries()) {
    demand(endTime <= body.duration, ["subtitles", index, "endTime"], "must not be after the end of the video");
  }
  demand(
    !body.enable_voiceover || Boolean(body.voiceover_text?.trim()),
    ["voiceover_text"],
    "required where enable_voiceover is true",
  );
  const longest = body.duration * VOICEOVER_CHARACTERS_PER_SECOND;
  demand(
    !body.enable_voiceover || [...body.voiceover_text ?? ""].length <= longest,
    ["voiceover_text"],
    `must be at most ${longest} characters for a video of ${body.duration} seconds`,
  );
});
export type TransitionBody = z.infer<typeof transitionBody>;

/** The body of POST /transitions/batch-create-and-generate/. */
export const batchBody = z.strictObject({
  transitions: z.array(transitionBody, { error: "must be a list" })
    .min(1, { error: `must be a list of 1 to ${MAX_BATCH} transitions` }).max(MAX_BATCH, {
      error: `must be a list of 1 to ${MAX_BATCH} transitions`,
    }),
});

const SETTINGS = [
  "duration",
  "transition_type",
  "enable_subtitles",
  "subtitle_style",
  "subtitle_position",
  "subtitles",
  "enable_music",
  "music_type",
  "music_volume",
  "enable_voiceover",
  "voice_type",
  "voiceover_text",
  "deliver_without",
] as const;

/** The settings of a transition's job, as far as the request has them; the others are the model's defaults. */
export function settingsOf(body: TransitionBody): Record<string, Json> {
  return Object.fromEntries(SETTINGS.flatMap((name) => {
    const value = body[name];
    return value === null || value === undefined ? [] : [[name, value]];
  }));
}
