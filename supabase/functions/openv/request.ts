import { z } from "zod";
import type { Json } from "../_shared/database/database.types.ts";
import { text } from "../_shared/http/fields.ts";
import { maxCredits } from "../_shared/http/video-fields.ts";

const prompt = z.string({ error: "must be text" }).trim().pipe(text(1, 5000));
const number = z.number({ error: "must be a number" });

/** The settings of a model that `input` may have. The model's row says which it takes, and which values. */
const settings = {
  negative_prompt: text(0, 5000).nullish(),
  width: number.nullish(),
  height: number.nullish(),
  seed: number.nullish(),
  steps: number.nullish(),
  cfg: number.nullish(),
};

/**
 * The body of POST /openv/api/runpod. `input` is what makes the video, as in OpenV, where the worker gets it as it is.
 * `prompt` and `frames` beside it repeat what `input` has, and decide nothing.
 */
export const createBody = z.strictObject({
  prompt: prompt.nullish(),
  modelName: text(1, 200),
  frames: number.nullish(),
  input: z.strictObject({ positive_prompt: prompt, ...settings, num_frames: number }, { error: "must be an object" }),
  maxCredits: maxCredits.nullish(),
});
export type CreateBody = z.infer<typeof createBody>;

/** The settings of the job, as far as the request has them; the others are the model's defaults. */
export function settingsOf({ positive_prompt: _, ...input }: CreateBody["input"]): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(input).flatMap(([name, value]) => value === null || value === undefined ? [] : [[name, value]]),
  );
}
