import { z } from "zod";
import type { SoundRequest, VideoRequest } from "../studio/studio.ts";
import type { Run } from "./run-queue.ts";

/** What a run is made from. */
type Request = Pick<Run, "endpoint" | "input">;

const LONGEST_SECONDS = 300;
/** A speaker says about this many characters in a second. */
const CHARACTERS_A_SECOND = 15;
const SHORT_SIDE: Readonly<Record<string, number>> = {
  "480p": 480,
  "580p": 580,
  "720p": 720,
  "1080p": 1080,
  "4k": 2160,
};
/** Where a request names none: the catalogue tells clients the same. */
const KLING_FRAMES_PER_SECOND = 30;
const FRAMES_PER_SECOND = 24;

/** `5`, `"5"` and `"8s"`. Whatever cannot be read is left to its default. */
const seconds = z.union([z.number(), z.string().transform(Number.parseFloat)]).pipe(
  z.number().min(0.1).max(LONGEST_SECONDS),
).optional().catch(undefined);
const positive = z.coerce.number().min(1).max(3000).optional().catch(undefined);
const words = z.string().optional().catch(undefined);

const videoSchema = z.object({
  prompt: words,
  duration: seconds,
  resolution: words,
  aspect_ratio: words,
  num_frames: positive,
  frames_per_second: positive,
  fps: positive,
  generate_audio: z.boolean().optional().catch(undefined),
  image_url: words,
  start_image_url: words,
  first_frame_url: words,
});

const soundSchema = z.object({
  prompt: words,
  text: words,
  seconds_total: seconds,
  duration: seconds,
  music_length_ms: z.number().min(100).max(LONGEST_SECONDS * 1000).optional().catch(undefined),
});

/** The video that a run asks for, with its model's defaults. */
export function videoRequest({ endpoint, input }: Request): VideoRequest {
  const asked = videoSchema.parse(input);
  const framesPerSecond = asked.frames_per_second ?? asked.fps ??
    (endpoint.includes("/kling-video/") ? KLING_FRAMES_PER_SECOND : FRAMES_PER_SECOND);
  const length = asked.num_frames === undefined ? asked.duration : asked.num_frames / framesPerSecond;
  const image = asked.image_url ?? asked.start_image_url ?? asked.first_frame_url;
  const givesShape = !/^\d+:\d+$/.test(asked.aspect_ratio ?? "");
  return {
    model: endpoint,
    prompt: asked.prompt ?? "",
    seconds: length ?? (endpoint.includes("/veo3") ? 8 : 5),
    ...sizeOf(asked.resolution, asked.aspect_ratio),
    framesPerSecond,
    // These models have sound unless it is switched off.
    hasSound: asked.generate_audio ?? /\/veo3|\/sora-2|\/kling-video\/(v2\.6|v3)/.test(endpoint),
    ...(image === undefined ? {} : { image: { url: image, givesShape } }),
  };
}

/** The sound that a run asks for: music has a length, speech has a text. */
export function soundRequest({ endpoint, input }: Request): SoundRequest {
  const { prompt, text, seconds_total, duration, music_length_ms } = soundSchema.parse(input);
  const isSpeech = /\/kokoro\/|\/tts\//.test(endpoint);
  const asked = seconds_total ?? duration ?? (music_length_ms === undefined ? 30 : music_length_ms / 1000);
  const spoken = Math.max(1, (text ?? prompt ?? "").length / CHARACTERS_A_SECOND);
  return { kind: isSpeech ? "voice" : "music", seconds: Math.min(isSpeech ? spoken : asked, LONGEST_SECONDS) };
}

/** Without a shape, or with the image's (`auto`), 16:9. */
function sizeOf(resolution = "720p", aspect = "16:9"): { width: number; height: number } {
  const short = SHORT_SIDE[resolution.toLowerCase()] ?? 720;
  const [, across = "16", down = "9"] = /^(\d+):(\d+)$/.exec(aspect) ?? [];
  const ratio = Number(across) / Number(down);
  return ratio >= 1
    ? { width: Math.round(short * ratio), height: short }
    : { width: short, height: Math.round(short / ratio) };
}
