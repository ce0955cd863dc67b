/** Reads a long-running operation of Veo: https://ai.google.dev/gemini-api/docs/video */

import { z } from "zod";
import { ProviderError, type RunState } from "../provider.ts";
import { filteredVideo, operationFailure } from "./veo-errors.ts";

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

/** The state of the run in an operation; null where the body is no operation. */
export function stateOf(body: unknown): RunState | null {
  const { success, data } = operation.safeParse(body);
  if (!success) return null;
  // Google reports neither a queue nor progress.
  if (data.done !== true) return { state: "running", percent: null };
  if (data.error) return { state: "failed", error: operationFailure(data.error) };
  return resultState(data.response);
}

/** A done operation may still have failed: a blocked video is done too, without any error. */
function resultState(response: unknown): RunState {
  const answer = result.safeParse(response).data?.generateVideoResponse;
  const uri = answer?.generatedSamples?.find((found) => typeof found === "string");
  if (uri) return { state: "succeeded", media: { video_url: uri } };
  const reasons = answer?.raiMediaFilteredReasons ?? [];
  if (reasons.length > 0 || (answer?.raiMediaFilteredCount ?? 0) > 0) {
    return { state: "failed", error: filteredVideo(reasons) };
  }
  return { state: "failed", error: new ProviderError("rejected", "no_media", "the operation ended without a video") };
}
