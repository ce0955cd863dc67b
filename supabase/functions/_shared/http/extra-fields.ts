import { z } from "zod";
import { text } from "./fields.ts";

export function oneOf<const Values extends readonly [string, ...string[]]>(
  values: Values,
): z.ZodEnum<{ [Value in Values[number]]: Value }> {
  return z.enum(values, { error: `must be one of: ${values.join(", ")}` });
}

const flag = z.boolean({ error: "must be true or false" });
/** The formats of subtitles write hours with one digit or two; no video is as long. */
const seconds = z.number({ error: "must be a number of seconds" }).min(0, { error: "must not be negative" })
  .max(35_999, { error: "must be at most 35999" });

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

/**
 * The extras of a video: voiceover, music and subtitles. Transitions have them as fields, other generations among their
 * settings. The rules that need the model, such as the length of its video, are in the database.
 */
export const extraFields = {
  enable_voiceover: flag.nullish(),
  voice_type: oneOf(["male", "female", "neutral"]).nullish(),
  voiceover_text: text(1, 1200).nullish(),
  enable_music: flag.nullish(),
  music_type: oneOf(["ambient", "upbeat", "cinematic", "calm", "energetic"]).nullish(),
  music_volume: z.int({ error: "must be a whole number from 0 to 100" })
    .min(0, { error: "must be a whole number from 0 to 100" })
    .max(100, { error: "must be a whole number from 0 to 100" }).nullish(),
  enable_subtitles: flag.nullish(),
  subtitles: z.array(subtitle, { error: "must be a list" }).max(200, { error: "must be a list of at most 200" })
    .nullish(),
  subtitle_style: oneOf(["default", "bold", "animated", "minimal"]).nullish(),
  subtitle_position: oneOf(["bottom", "center", "top"]).nullish(),
  /** Draws the subtitles into the picture. */
  burn_in: flag.nullish(),
  /** The extras without which the video may be delivered; their price is refunded then. */
  deliver_without: z.array(oneOf(["music", "voiceover", "subtitles"]), { error: "must be a list" })
    .max(3, { error: "must be a list of at most 3" }).nullish(),
};

type Extras = z.infer<z.ZodObject<typeof extraFields>>;

/** Adds an issue for each extra that is asked for without what it needs. */
export function checkExtras(extras: Partial<Extras>, context: z.RefinementCtx): void {
  const demand = (holds: boolean, field: keyof Extras, flag: keyof Extras) => {
    if (!holds) context.addIssue({ code: "custom", path: [field], message: `required where ${flag} is true` });
  };
  demand(!extras.enable_subtitles || (extras.subtitles ?? []).length > 0, "subtitles", "enable_subtitles");
  demand(!extras.burn_in || extras.enable_subtitles === true, "enable_subtitles", "burn_in");
  demand(!extras.enable_voiceover || Boolean(extras.voiceover_text?.trim()), "voiceover_text", "enable_voiceover");
}
