import { z } from "zod";
import type { Json } from "../_shared/database/database.types.ts";
import { checkExtras, extraFields, oneOf } from "../_shared/http/extra-fields.ts";
import { text, uuid } from "../_shared/http/fields.ts";
import { maxCredits, publicUrl, uploadedPath } from "../_shared/http/video-fields.ts";

const TYPES = ["FADE", "SLIDE", "ZOOM", "WIPE", "MORPH", "BLUR", "ROTATE", "ENERGETIC", "CALM"] as const;
const MAX_SECONDS = 60;
export const MAX_BATCH = 20;

const settingFields = {
  duration: z.int({ error: `must be a whole number from 1 to ${MAX_SECONDS}` })
    .min(1, { error: `must be a whole number from 1 to ${MAX_SECONDS}` })
    .max(MAX_SECONDS, { error: `must be a whole number from 1 to ${MAX_SECONDS}` }),
  transition_type: z.string({ error: "must be text" }).toUpperCase().pipe(oneOf(TYPES)).nullish(),
  ...extraFields,
};

const fields = z.strictObject({
  front_image: publicUrl.nullish(),
  front_image_path: uploadedPath.nullish(),
  tail_image: publicUrl.nullish(),
  tail_image_path: uploadedPath.nullish(),
  prompt: z.string({ error: "must be text" }).trim().pipe(text(1, 5000)),
  ...settingFields,
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
  checkExtras(body, context);
});
export type TransitionBody = z.infer<typeof transitionBody>;

/** The body of POST /transitions/batch-create-and-generate/. */
export const batchBody = z.strictObject({
  transitions: z.array(transitionBody, { error: "must be a list" })
    .min(1, { error: `must be a list of 1 to ${MAX_BATCH} transitions` }).max(MAX_BATCH, {
      error: `must be a list of 1 to ${MAX_BATCH} transitions`,
    }),
});

/** The settings of a transition's job, as far as the request has them; the others are the model's defaults. */
export function settingsOf(body: TransitionBody): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(body).flatMap(([name, value]) =>
      !Object.hasOwn(settingFields, name) || value === null || value === undefined ? [] : [[name, value]]
    ),
  );
}
