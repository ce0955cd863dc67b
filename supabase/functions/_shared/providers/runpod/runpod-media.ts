/** Finds the media in the output of a RunPod handler. Each handler chooses its own shape, so many are accepted. */

import { z } from "zod";
import { mediaAt, mediaOf } from "../output-media.ts";
import type { Media } from "../provider.ts";

/** Names that handlers use besides those of `mediaOf`: each holds a URL, or an output with the names of `mediaOf`. */
const wrapper = z.object({ output: z.unknown(), result: z.unknown(), message: z.unknown(), url: z.unknown() })
  .partial();

/**
 * The media of a handler's output; empty where there is no URL (a base64 payload, say). `outputPath` is the path of the
 * video, where the model's row names one; then nothing else is read.
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

/**
 * RunPod prescribes no form for progress, so only unmistakable ones are read: a percentage, a share, a text with "30%".
 */
const progress = z.union([
  z.object({ percent: z.number() }).transform(({ percent }) => percent),
  z.object({ progress: z.number() }).transform(({ progress }) => progress <= 1 ? progress * 100 : progress),
  z.string().regex(/\d%/).transform((text) => parseFloat(text.match(/\d+(\.\d+)?(?=%)/)?.[0] ?? "")),
]);

/** The last progress of a running handler, from 0 to 100; null where it cannot be read. */
export function percentOf(update: unknown): number | null {
  const percent = progress.safeParse(update).data;
  return percent !== undefined && percent >= 0 && percent <= 100 ? Math.round(percent) : null;
}
