import { z } from "zod";
import { canonicalJson, sha256Hex } from "../_shared/http/fingerprint.ts";
import { checkExtras, extraFields } from "../_shared/http/extra-fields.ts";
import { text, uuid } from "../_shared/http/fields.ts";
import { maxCredits, publicUrl, uploadedPath } from "../_shared/http/video-fields.ts";

const settings = z
  .unknown()
  // zod's record silently drops this name, and no setting of a request may be ignored.
  .refine((value) => typeof value !== "object" || value === null || !Object.hasOwn(value, "__proto__"), {
    error: "must not have __proto__",
    abort: true,
  })
  // No model has more, and each setting costs time in the database.
  .refine((value) => typeof value !== "object" || value === null || Object.keys(value).length <= 40, {
    error: "must have at most 40 settings",
  })
  .pipe(
    z.record(
      text(1, 64),
      z.unknown(),
      {
        error: ({ code }) =>
          code === "invalid_key"
            ? "must have a name of 1 to 64 characters without NUL or lone surrogates"
            : "must be an object",
      },
    ),
  )
  .pipe(
    z.object(extraFields)
      .catchall(z.union([text(0, 5000), z.number(), z.boolean()], { error: "must be text, a number, true or false" }))
      .superRefine(checkExtras),
  );

/** The body of POST /generate-video. The database checks the settings by the model's schema. */
export const generateVideoBody = z.strictObject({
  model_id: uuid,
  prompt: z.string({ error: "must be text" }).trim().pipe(text(1, 5000)),
  settings: settings.nullish(),
  image_url: publicUrl.nullish(),
  /** A file of the user's own, as POST /uploads returned it. */
  image_path: uploadedPath.nullish(),
  node_id: text(1, 128).nullish(),
  max_credits: maxCredits.nullish(),
  user_id: uuid.nullish(),
}).refine((body) => !(body.image_url && body.image_path), {
  path: ["image_path"],
  error: "must not be sent together with image_url",
});

export type GenerateVideoBody = z.infer<typeof generateVideoBody>;

/**
 * Two requests with the same fingerprint are the same request, however their JSON is written. `max_credits` is not
 * part of it: it does not change the video.
 */
export async function requestFingerprint(body: GenerateVideoBody): Promise<string> {
  return await sha256Hex(
    canonicalJson([
      "generate-video",
      body.model_id,
      body.prompt,
      body.settings ?? {},
      body.image_url ?? null,
      body.node_id ?? null,
      body.image_path ?? null,
    ]),
  );
}
