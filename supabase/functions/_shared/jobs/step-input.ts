import { z } from "zod";
import type { LeasedJob } from "../database/records.ts";
import { INPUT_BUCKET, VIDEO_BUCKET } from "./buckets.ts";
import { ProviderError } from "../providers/provider.ts";
import { MediaError } from "../storage/media-error.ts";
import { signedUrls } from "../storage/signed-urls.ts";
import type { JobContext } from "./context.ts";

/** Longer than a run may wait and last: some providers fetch their inputs only when they start. */
const INPUT_URL_SECONDS = 6 * 60 * 60;

/** What an input may have instead of a URL. */
const fileReference = z.strictObject({ input_file: z.string() });
const artifactReference = z.strictObject({ artifact: z.string() });
const storedVideoReference = z.strictObject({ stored_video: z.literal(true) });
const subtitleFileReference = z.strictObject({ subtitle_file: z.enum(["srt", "ass"]), fonts: z.unknown() });

/**
 * A step's input as it is sent: files that the user uploaded, what earlier steps made, and our own copy of the video
 * become URLs; subtitles to be drawn become a text or the URL of a file. What a skipped step was to make is left out of
 * a list; anywhere else it is an error. Throws `ProviderError`.
 */
export async function resolveInput(context: JobContext, leased: LeasedJob): Promise<Record<string, unknown>> {
  const entries = Object.entries(leased.step.input).map(async (
    [name, value],
  ) => [name, await resolve(context, leased, value)]);
  try {
    return Object.fromEntries(await Promise.all(entries));
  } catch (error) {
    if (error instanceof SkippedInput) throw new ProviderError("rejected", "input_missing", error.message);
    if (error instanceof MediaError) throw new ProviderError("retryable", "input_unavailable", error.message);
    throw error;
  }
}

/** The input needs what a skipped step was to make. */
class SkippedInput extends Error {
  override readonly name = "SkippedInput";
}

async function resolve(context: JobContext, leased: LeasedJob, value: unknown): Promise<unknown> {
  if (Array.isArray(value)) return await resolveList(context, leased, value);
  if (typeof value !== "object" || value === null) return value;

  const file = fileReference.safeParse(value).data;
  if (file !== undefined) return await signedUrl(context, INPUT_BUCKET, file.input_file);
  const made = artifactReference.safeParse(value).data;
  if (made !== undefined) return artifactUrl(leased, made.artifact);
  // What only later steps need is imported here: no request for a video waits for it.
  if (storedVideoReference.safeParse(value).success) {
    return await signedUrl(context, VIDEO_BUCKET, await storedVideo(context, leased));
  }
  const subtitles = subtitleFileReference.safeParse(value).data;
  if (subtitles !== undefined) {
    const { assOf, fontsOf, srtOf } = await import("./drawn-subtitles.ts");
    const fonts = fontsOf(subtitles.fonts);
    if (subtitles.subtitle_file === "srt") return srtOf(leased.settings, fonts);
    const { storeDrawnSubtitles } = await import("./files.ts");
    const path = await storeDrawnSubtitles(context, leased, assOf(leased.settings, fonts));
    return await signedUrl(context, VIDEO_BUCKET, path);
  }
  const entries = Object.entries(value).map(async ([name, inner]) => [name, await resolve(context, leased, inner)]);
  return Object.fromEntries(await Promise.all(entries));
}

/** Our copy, made now. That of a delivered video is there, and may be deleted: it must not be written again. */
async function storedVideo(context: JobContext, leased: LeasedJob): Promise<string> {
  const { pathsOf, storeVideo } = await import("./files.ts");
  if (leased.status === "completed") return pathsOf(leased).video;
  return (await storeVideo(context, leased, { isDelivered: false })).path;
}

async function resolveList(context: JobContext, leased: LeasedJob, items: unknown[]): Promise<unknown[]> {
  const resolved: unknown[] = [];
  for (const item of items) {
    try {
      resolved.push(await resolve(context, leased, item));
    } catch (error) {
      if (!(error instanceof SkippedInput)) throw error;
    }
  }
  // An empty list is left out itself: a track without anything to play, for example.
  if (resolved.length === 0 && items.length > 0) throw new SkippedInput("Nothing is left of a list");
  return resolved;
}

function artifactUrl(leased: LeasedJob, name: string): string {
  const artifact = leased.artifacts[name];
  if (artifact === undefined) throw new SkippedInput(`No step made "${name}"`);
  return artifact.url;
}

async function signedUrl(context: JobContext, bucket: string, path: string): Promise<string> {
  const files = { bucket, paths: [path], expiresInSeconds: INPUT_URL_SECONDS };
  const url = (await context.timing.measure("storage", () => signedUrls(context.client, files))).get(path);
  if (url === undefined) throw new ProviderError("rejected", "input_missing", `no file at ${path}`);
  return url;
}
