/** Reads a long-running operation of Veo: https://ai.google.dev/gemini-api/docs/video */

import { z } from "zod";
import { ProviderError, type RunState } from "../provider.ts";
import { filtered, operationFailure } from "./veo-errors.ts";

const operation = z.object({
  name: z.string().min(1),
  done: z.boolean().nullish(),
  error: z.unknown().optional(),
  response: z.unknown().optional(),
});

const sample = z.object({ video: z.object({ uri: z.url() }) }).transform(({ video }) => video.uri).nullish().catch(
  null,
);

const result = z.object({
  generateVideoResponse: z.object({
    generatedSamples: z.array(sample).nullish().catch(null),
    raiMediaFilteredCount: z.number().nullish().catch(null),
    raiMediaFilteredReasons: z.array(z.string()).nullish().catch(null),
  }),
});

/** What an operation says of its run; null where the body is no operation. */
export function stateOf(body: unknown): RunState | null {
  const { success, data } = operation.safeParse(body);
  if (!success) return null;
  // Google tells neither a queue nor how far a run is.
  if (data.done !== true) return { state: "running", percent: null };
  if (data.error) return { state: "failed", error: operationFailure(data.error) };
  return ended(data.response);
}

/** An operation that is done has not succeeded by that: a blocked video is done too, without any error. */
function ended(response: unknown): RunState {
  const answer = result.safeParse(response).data?.generateVideoResponse;
  const uri = answer?.generatedSamples?.find((found) => typeof found === "string");
  if (uri) return { state: "succeeded", media: { video_url: uri } };
  const reasons = answer?.raiMediaFilteredReasons ?? [];
  if (reasons.length > 0 || (answer?.raiMediaFilteredCount ?? 0) > 0) {
    return { state: "failed", error: filtered(reasons) };
  }
  return { state: "failed", error: new ProviderError("rejected", "no_media", "the operation ended without a video") };
}
