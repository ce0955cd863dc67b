import type { Ffmpeg } from "../ffmpeg/engine.ts";
import { type Subtitles, writeSubtitles } from "./subtitles.ts";

/** A video that a simulated model is to make. */
export interface VideoRequest {
  /** As the provider calls it. */
  model: string;
  prompt: string;
  seconds: number;
  width: number;
  height: number;
  framesPerSecond: number;
  hasSound: boolean;
  /** The image that it begins with, and whether that gives the shape instead of `width` and `height`. */
  image?: { url: string; givesShape: boolean } | undefined;
}

/** What a video is made with. */
export interface VideoMaterial {
  /** The picture is scaled down to this. */
  shortestSide: number;
  fonts: Record<string, Uint8Array>;
  /** The bytes of the request's image; null where there is none, or it could not be fetched. */
  image: Uint8Array | null;
}

/** Longer prompts are cut: they would cover the clock. */
const PROMPT_CHARACTERS = 280;
/** The whole picture is about this many lines of text high. */
const LINES = 15;
const TIMEOUT_SECONDS = 180;

/**
 * A video of that request: model, prompt and settings on its image or on a colour of their own, a bar that grows, a clock,
 * a tone.
 */
export async function makeVideo(
  ffmpeg: Ffmpeg,
  request: VideoRequest,
  { shortestSide, fonts, image }: VideoMaterial,
): Promise<{ mp4: Uint8Array | undefined; jpg: Uint8Array | undefined }> {
  const { seconds, framesPerSecond, hasSound } = request;
  const { width, height } = fit(request, shortestSide);
  const rate = framesPerSecond.toFixed(3);
  const frames = Math.max(1, Math.round(seconds * framesPerSecond));
  const source = image === null
    ? ["-f", "lavfi", "-i", `color=c=0x${colourOf(request)}:s=${width}x${height}:r=${rate}`]
    : ["-i", "image"];
  // Not without end: ffmpeg 5.1 would never stop.
  const still = `scale=${width}:${height}:force_original_aspect_ratio=increase,crop=${width}:${height},setsar=1,` +
    `loop=loop=${frames}:size=1,settb=1/90000,setpts=N/(${rate}*TB),fps=${rate},`;
  const filter = `${image === null ? "" : still}subtitles=filename=card.ass:fontsdir=fonts`;
  const picture = ["-map", "0:v", "-vf", filter];
  const sound = hasSound ? ["-map", "1:a", "-c:a", "aac", "-b:a", "64k", "-t", seconds.toFixed(3)] : [];
  const { "output.mp4": mp4, "frame.jpg": jpg } = await ffmpeg.run({
    arguments: [
      ...source,
      ...(hasSound ? ["-f", "lavfi", "-i", `sine=frequency=220:sample_rate=44100,volume=0.3`] : []),
      ...picture,
      ...sound,
      ...["-frames:v", String(frames)],
      ...["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-movflags", "+faststart", "output.mp4"],
      ...[...picture, "-frames:v", "1", "-threads", "1", "-pix_fmt", "yuvj420p", "-huffman", "default", "frame.jpg"],
    ],
    inputs: {
      "card.ass": new TextEncoder().encode(card(request, width, height)),
      ...fonts,
      ...(image === null ? {} : { image }),
    },
    outputs: ["output.mp4", "frame.jpg"],
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  return { mp4, jpg };
}

/** The same shape with this shortest side at most. x264 needs even sizes. */
function fit({ width, height }: VideoRequest, shortestSide: number): { width: number; height: number } {
  const factor = Math.min(1, shortestSide / Math.min(width, height));
  const even = (size: number) => Math.max(16, Math.round(size * factor / 2) * 2);
  return { width: even(width), height: even(height) };
}

/** What the picture says of its request. Of a video without sound it says nothing: a step may add voice and music. */
export function settingsText({ seconds, width, height, framesPerSecond, hasSound }: VideoRequest): string {
  const settings = [`${rounded(seconds)} s`, `${width}×${height}`, `${rounded(framesPerSecond)} fps`];
  return [...settings, ...(hasSound ? ["with sound"] : [])].join(" · ");
}

/** With two decimals at most. */
function rounded(value: number): number {
  return Number(value.toFixed(2));
}

function card(request: VideoRequest, width: number, height: number): string {
  const { model, prompt, seconds } = request;
  const size = Math.round(Math.min(width, height) / LINES);
  const text = { start: 0, end: seconds };
  const cues: Subtitles["cues"] = [
    { ...text, style: "model", text: `${model}\n${settingsText(request)}` },
    { ...text, style: "prompt", text: prompt.slice(0, PROMPT_CHARACTERS) },
    { ...text, style: "model", text: "", tags: bar(width, height, size, seconds) },
  ];
  for (let second = 0; second < seconds; second++) {
    const end = Math.min(second + 1, seconds);
    cues.push({ start: second, end, style: "clock", text: `${second} s` });
  }
  return writeSubtitles({
    width,
    height,
    styles: [
      { name: "model", size, alignment: 8, margin: size },
      { name: "prompt", size, alignment: 5, margin: size },
      { name: "clock", size, alignment: 3, margin: size },
    ],
    cues,
  });
}

/** A drawing that moves in from the left during the whole video. */
function bar(width: number, height: number, size: number, seconds: number): string {
  const top = height - Math.round(size / 2);
  const shape = `m 0 0 l ${width} 0 ${width} ${height - top} 0 ${height - top}`;
  return `{\\an7\\bord0\\move(${-width},${top},0,${top},0,${Math.round(seconds * 1000)})\\p1}${shape}{\\p0}`;
}

/** A dark colour, the same for the same model and prompt. */
function colourOf({ model, prompt }: VideoRequest): string {
  let hash = 7;
  for (const character of model + prompt) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 0xffffff;
  return (hash & 0x7f7f7f).toString(16).padStart(6, "0");
}
