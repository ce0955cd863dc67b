/**
 * Finds the media in a model's output. Models use different names for the same thing; the known ones are listed here.
 */

import { z } from "zod";
import type { Media } from "./provider.ts";

const file = z.union([z.string(), z.object({ url: z.string() }).transform((value) => value.url)])
  .refine(isWebUrl)
  .nullish()
  .catch(null);

const files = z.array(file).nullish().catch(null);

const output = z.object({
  video: file,
  video_url: file,
  videos: files,
  thumbnail: file,
  thumbnail_url: file,
  image: file,
  images: files,
  audio: file,
  audio_url: file,
  audio_file: file,
});

/** The media of a model's output under the usual names; empty where there is no http(s) URL. */
export function mediaOf(data: unknown): Media {
  const found = output.safeParse(data).data;
  if (!found) return {};
  const media = {
    video_url: found.video ?? found.video_url ?? first(found.videos),
    thumbnail_url: found.thumbnail ?? found.thumbnail_url,
    image_url: found.image ?? first(found.images),
    audio_url: found.audio ?? found.audio_file ?? found.audio_url,
  };
  return Object.fromEntries(Object.entries(media).filter(([, url]) => typeof url === "string"));
}

/** The video at the path that the model's row names (`result`, `files.0.url`); empty where there is none. */
export function mediaAt(data: unknown, path: string): Media {
  return mediaOf({ video_url: path.split(".").reduce(memberOf, data) });
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}

function first(urls: (string | null | undefined)[] | null | undefined): string | undefined {
  return urls?.find((url) => typeof url === "string") ?? undefined;
}

/** Not a `data:` URI (fal's `sync_mode`): a later step or a player cannot open it. */
function isWebUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
