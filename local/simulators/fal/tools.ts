import { z } from "zod";
import type { JsonObject } from "../shared/json.ts";
import type { Studio } from "../studio/studio.ts";
import { burnSubtitles } from "./burn.ts";
import type { Making } from "./making.ts";
import { AAC, FAST_START, H264, measureLoudness, MP3, readInput, run } from "./media-run.ts";

/** Does what an endpoint of fal's tools does to the files that its input names. */
type Tool = (input: JsonObject, studio: Studio) => Promise<Making>;

/** fal's own defaults. */
const LOUDNESS = -18;
const TRIM = { start: 1, duration: 2 };
/** More would be noise: of silence nothing can be made. */
const LOUDEST_GAIN_DB = 40;

const keyframe = z.object({ timestamp: z.number().min(0), duration: z.number().positive(), url: z.string() });
const composeSchema = z.object({
  tracks: z.array(z.object({ type: z.enum(["video", "audio", "image"]), keyframes: z.array(keyframe).min(1) })).max(20),
});

/** The tools that are really done, by their endpoints. */
export const TOOLS: Readonly<Record<string, Tool>> = {
  "fal-ai/ffmpeg-api/loudnorm": levelSound,
  "fal-ai/ffmpeg-api/compose": compose,
  "fal-ai/ffmpeg-api/extract-frame": extractFrame,
  "fal-ai/ffmpeg-api/merge-videos": mergeVideos,
  "fal-ai/workflow-utilities/trim-video": trimVideo,
  "veed/subtitles": burnSubtitles,
};

/** Measures the loudness and adds what is missing, as loudnorm's linear mode does. A limiter keeps the peaks. */
async function levelSound(input: JsonObject, studio: Studio): Promise<Making> {
  const asked = z.object({ audio_url: z.string(), integrated_loudness: z.number().default(LOUDNESS) }).parse(input);
  const made = await studio.make(["loudnorm", asked], async (ffmpeg) => {
    const sound = await readInput(studio, ffmpeg, asked.audio_url);
    const loudness = await measureLoudness(ffmpeg, sound);
    const gain = Math.min(asked.integrated_loudness - loudness, LOUDEST_GAIN_DB).toFixed(2);
    return run(ffmpeg, {
      arguments: ["-i", "in0", "-vn", "-af", `volume=${gain}dB,alimiter=limit=0.98:level=0`, ...MP3, "output.mp3"],
      inputs: { in0: sound },
    });
  });
  return { made };
}

/** One video with sounds laid under it at their own levels. Other compositions are not made here. */
async function compose(input: JsonObject, studio: Studio): Promise<Making> {
  const { tracks } = composeSchema.parse(input);
  const [video, ...others] = tracks.filter(({ type }) => type !== "audio").flatMap(({ keyframes }) => keyframes);
  const sounds = tracks.filter(({ type }) => type === "audio").flatMap(({ keyframes }) => keyframes);
  const isOther = others.length > 0 || tracks.some(({ type }) => type === "image");
  if (video === undefined || video.timestamp > 0 || isOther) return { made: null };
  const made = await studio.make(["compose", video, sounds], async (ffmpeg) => {
    const urls = [video, ...sounds].map(({ url }) => url);
    const files = await Promise.all(urls.map((url) => readInput(studio, ffmpeg, url)));
    const delayed = sounds.map(({ timestamp, duration }, index) =>
      `[${index + 1}:a]atrim=duration=${seconds(duration)},adelay=delays=${Math.round(timestamp)}:all=1[a${index}]`
    );
    const labels = sounds.map((_, index) => `[a${index}]`).join("");
    const mix = `${labels}amix=inputs=${sounds.length}:duration=longest:normalize=0,apad[mix]`;
    const withSound = sounds.length === 0 ? ["-map", "0"] : [
      ...["-filter_complex", [...delayed, mix].join(";"), "-map", "0:v", "-map", "[mix]"],
    ];
    const limit = ["-t", seconds(video.duration)];
    return run(ffmpeg, {
      arguments: [...inputWords(files), ...withSound, "-c:v", "copy", ...AAC, ...limit, ...FAST_START, "output.mp4"],
      inputs: named(files),
    });
  });
  return { made };
}

async function extractFrame(input: JsonObject, studio: Studio): Promise<Making> {
  const { video_url, frame_type } = z.object({
    video_url: z.string(),
    frame_type: z.enum(["first", "middle", "last"]).default("first"),
  }).parse(input);
  const made = await studio.make(["extract-frame", video_url, frame_type], async (ffmpeg) => {
    const file = await readInput(studio, ffmpeg, video_url);
    const middle = frame_type === "middle" ? (await ffmpeg.probe(file)).seconds / 2 : 0;
    const from = { first: [], middle: ["-ss", middle.toFixed(3)], last: ["-sseof", "-0.5"] }[frame_type];
    // Of several frames the last one stays.
    const frames = frame_type === "last" ? [] : ["-frames:v", "1"];
    const jpeg = ["-threads", "1", "-pix_fmt", "yuvj420p", "-huffman", "default", "-q:v", "2", "-update", "1"];
    return run(ffmpeg, { arguments: [...from, "-i", "in0", ...frames, ...jpeg, "frame.jpg"], inputs: { in0: file } });
  });
  return { made };
}

/** Joins videos in the smallest width and height of them, and with sound if all have it. */
async function mergeVideos(input: JsonObject, studio: Studio): Promise<Making> {
  const { video_urls } = z.object({ video_urls: z.array(z.string()).min(1).max(50) }).parse(input);
  const made = await studio.make(["merge-videos", video_urls], async (ffmpeg) => {
    const files = await Promise.all(video_urls.map((url) => readInput(studio, ffmpeg, url)));
    const probes = [];
    for (const file of files) probes.push(await ffmpeg.probe(file));
    const width = Math.min(...probes.map((probe) => probe.width));
    const height = Math.min(...probes.map((probe) => probe.height));
    const rate = Math.min(...probes.map((probe) => probe.framesPerSecond));
    const hasSound = probes.every((probe) => probe.hasSound);
    const scaled = `fps=${rate},scale=${width}:${height}:force_original_aspect_ratio=decrease,` +
      `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2,setsar=1,format=yuv420p`;
    const parts = files.map((_, index) =>
      `[${index}:v]${scaled}[v${index}]` + (hasSound ? `;[${index}:a]aresample=48000[a${index}]` : "")
    );
    const labels = files.map((_, index) => `[v${index}]${hasSound ? `[a${index}]` : ""}`).join("");
    const join = `${labels}concat=n=${files.length}:v=1:a=${hasSound ? 1 : 0}[v]${hasSound ? "[a]" : ""}`;
    const maps = ["-map", "[v]", ...(hasSound ? ["-map", "[a]", ...AAC] : [])];
    const graph = [...parts, join].join(";");
    return run(ffmpeg, {
      arguments: [...inputWords(files), "-filter_complex", graph, ...maps, ...H264, ...FAST_START, "output.mp4"],
      inputs: named(files),
    });
  });
  return { made };
}

async function trimVideo(input: JsonObject, studio: Studio): Promise<Making> {
  const { video_url, start_time: start, end_time, duration } = z.object({
    video_url: z.string(),
    start_time: z.number().min(0).default(TRIM.start),
    end_time: z.number().positive().optional(),
    duration: z.number().positive().default(TRIM.duration),
  }).parse(input);
  const length = end_time === undefined ? duration : end_time - start;
  let inputSeconds: number | undefined;
  const made = await studio.make(["trim-video", video_url, start, length], async (ffmpeg) => {
    const file = await readInput(studio, ffmpeg, video_url);
    inputSeconds = (await ffmpeg.probe(file)).seconds;
    const cut = ["-ss", start.toFixed(3), "-t", length.toFixed(3)];
    return run(ffmpeg, {
      arguments: ["-i", "in0", ...cut, ...H264, ...AAC, ...FAST_START, "output.mp4"],
      inputs: { in0: file },
    });
  });
  return { made, inputSeconds };
}

function inputWords(files: Uint8Array[]): string[] {
  return files.flatMap((_, index) => ["-i", `in${index}`]);
}

function named(files: Uint8Array[]): Record<string, Uint8Array> {
  return Object.fromEntries(files.map((file, index) => [`in${index}`, file]));
}

/** Milliseconds as ffmpeg's seconds. */
function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
