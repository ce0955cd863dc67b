import { z } from "zod";
import { type JsonObject, parseJson } from "../shared/json.ts";

const image = z.strictObject({
  bytesBase64Encoded: z.base64(),
  mimeType: z.enum(["image/png", "image/jpeg", "image/webp"]),
});

const instance = z.strictObject({
  prompt: z.string().optional(),
  image: image.optional(),
  lastFrame: image.optional(),
});

const parameters = z.strictObject({
  aspectRatio: z.enum(["16:9", "9:16"]),
  durationSeconds: z.union([z.literal(4), z.literal(6), z.literal(8)]),
  resolution: z.enum(["720p", "1080p", "4k"]),
  personGeneration: z.enum(["allow_all", "allow_adult"]),
  negativePrompt: z.string(),
  sampleCount: z.literal(1),
  seed: z.number().int().min(0).max(4_294_967_295),
}).partial();

const requestSchema = z.strictObject({
  instances: z.tuple([instance]),
  parameters: parameters.default({}),
});

/** The contents of a submission. Of its images only the kind and the size. */
export interface VeoRequest {
  prompt: string;
  images: { field: "image" | "lastFrame"; mimeType: string; bytes: number }[];
  parameters: JsonObject;
}

/** Reads the body of a submission by the documented rules. A text is the reason for which Google would refuse it. */
export function readRequest(body: string): VeoRequest | string {
  const parsed = requestSchema.safeParse(parseJson(body));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `Invalid value at ${issue?.path.join(".")}: ${issue?.message}`;
  }
  const [{ prompt = "", image, lastFrame }] = parsed.data.instances;
  const { resolution = "720p", durationSeconds = 8 } = parsed.data.parameters;
  if (prompt === "" && image === undefined) return "A prompt or an image is required";
  if (lastFrame !== undefined && image === undefined) return "`lastFrame` needs `image`";
  if (resolution !== "720p" && durationSeconds !== 8) return "1080p and 4k need a durationSeconds of 8";
  const images = Object.entries({ image, lastFrame }).flatMap(([field, value]) =>
    value === undefined ? [] : [{
      field: field === "image" ? "image" as const : "lastFrame" as const,
      mimeType: value.mimeType,
      bytes: atob(value.bytesBase64Encoded).length,
    }]
  );
  const given = Object.entries(parsed.data.parameters).filter(([, value]) => value !== undefined);
  return { prompt, images, parameters: z.record(z.string(), z.json()).parse(Object.fromEntries(given)) };
}
