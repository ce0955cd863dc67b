/** Finds the media in the output of a RunPod handler. Everybody writes their own handler, so many shapes are taken. */

import { z } from "zod";
import { mediaAt, mediaOf } from "../output-media.ts";
import type { Media } from "../provider.ts";

/** Where handlers put what they made, besides the names that fal's models use: a URL, or an output of those names. */
const wrapper = z.object({ output: z.unknown(), result: z.unknown(), message: z.unknown(), url: z.unknown() })
  .partial();

/**
 * The media of a handler's output; empty when there is none that can be opened: a base64 payload, say. The model's row may
 * name the path to it.
 */
export function handlerMediaOf(output: unknown, outputPath?: string): Media {
  if (outputPath !== undefined) return mediaAt(output, outputPath);
  // A generator handler's output is the list of what it yielded.
  const parts = Array.isArray(output) ? output : [output];
  return parts.map(partOf).find((media) => Object.keys(media).length > 0) ?? {};
}

function partOf(part: unknown): Media {
  if (typeof part === "string") return mediaOf({ video_url: part });
  const { output, result, message, url } = wrapper.safeParse(part).data ?? {};
  const wrapped = [message, result, output, url].map((value) =>
    typeof value === "string" ? { video_url: value } : value
  );
  return Object.assign({}, ...[...wrapped, part].map(mediaOf));
}

/** A model's own name for how far it is: nobody prescribes one, so only what is unmistakable counts. */
const progress = z.union([
  z.object({ percent: z.number() }).transform(({ percent }) => percent),
  z.object({ progress: z.number() }).transform(({ progress }) => progress <= 1 ? progress * 100 : progress),
  z.string().regex(/\d%/).transform((text) => parseFloat(text.match(/\d+(\.\d+)?(?=%)/)?.[0] ?? "")),
]);

/** What a running handler last told of its progress, from 0 to 100; null where that is not to be read. */
export function percentOf(update: unknown): number | null {
  const percent = progress.safeParse(update).data;
  return percent !== undefined && percent >= 0 && percent <= 100 ? Math.round(percent) : null;
}
