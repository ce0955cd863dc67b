import { z } from "zod";
import type { Json } from "../_shared/database/database.types.ts";
import { text } from "../_shared/http/fields.ts";
import { maxCredits, publicUrl, uploadedPath } from "../_shared/http/video-fields.ts";

const setting = z.union([text(1, 64), z.number()], { error: "must be text or a number" });

/** The body of POST /canvas/api/ai/generate-video. The database checks the settings by the model's schema. */
export const nodeVideoBody = z.strictObject({
  node_id: text(1, 128),
  prompt: z.string({ error: "must be text" }).trim().pipe(text(1, 5000)),
  image_url: publicUrl.nullish(),
  /** A file of the user's own, as POST /uploads returned it. */
  image_path: uploadedPath.nullish(),
  resolution: setting.nullish(),
  duration: setting.nullish(),
  aspect_ratio: setting.nullish(),
  max_credits: maxCredits.nullish(),
}).refine((body) => !(body.image_url && body.image_path), {
  path: ["image_path"],
  error: "must not be sent together with image_url",
});

const SETTINGS = ["resolution", "duration", "aspect_ratio"] as const;

/** The settings that were sent. */
export function settingsOf(body: Pick<z.infer<typeof nodeVideoBody>, typeof SETTINGS[number]>): Record<string, Json> {
  return Object.fromEntries(SETTINGS.flatMap((name) => {
    const value = body[name];
    return value === null || value === undefined ? [] : [[name, value]];
  }));
}
