import type { OutputKind } from "./endpoints.ts";
import type { Json, JsonObject } from "../shared/json.ts";
import { SAMPLE, type SampleKind } from "../shared/samples.ts";

/** What an output is made from. */
export interface OutputSource {
  kind: OutputKind;
  input: JsonObject;
  /** The address of the run's file of that name. */
  fileUrl(name: string): string;
  media: OutputMedia;
  hugeIntegers: boolean;
}

/** What an output says of its files. */
export interface OutputMedia {
  seconds: number;
  fps: number;
  width: number;
  height: number;
  bytes: Record<SampleKind, number>;
  /** The length of the video that a tool was given. */
  inputSeconds: number;
}

/** Beyond 2^53 and odd, so that a parser of doubles changes it. */
const HUGE_SEED = 9_223_372_036_854_775_783n;
const MEDIA_FIELDS = ["video", "video_url", "thumbnail", "thumbnail_url", "images", "audio", "audio_file", "media"];

/** The output JSON of a model, in the shape that its endpoint has. */
export function outputOf(source: OutputSource): JsonObject {
  const output = shapes[source.kind](source);
  return source.hugeIntegers ? { ...output, seed: HUGE_SEED } : output;
}

/** The same without any media. */
export function withoutMedia(output: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(output).filter(([field]) => !MEDIA_FIELDS.includes(field)));
}

const shapes: Record<OutputKind, (source: OutputSource) => JsonObject> = {
  "video": (source) => ({ video: video(source) }),
  "video seed": (source) => ({ video: video(source), seed: seed(source) }),
  "video seed prompt": (source) => ({ video: video(source), seed: seed(source), prompt: prompt(source) }),
  "video seed actual_prompt": (source) => ({
    video: { ...video(source), ...measures(source) },
    seed: seed(source),
    actual_prompt: prompt(source),
  }),
  "sora": (source) => ({
    video: { ...video(source), ...measures(source) },
    video_id: "video_simulated",
    thumbnail: image(source),
    spritesheet: null,
  }),
  "compose": (source) => ({ video_url: source.fileUrl("output.mp4"), thumbnail_url: source.fileUrl("thumbnail.jpg") }),
  "merge": (source) => ({ video: video(source), metadata: {} }),
  "frames": (source) => ({ images: [image(source)] }),
  "metadata": (source) => ({ media: { media_type: "video", ...video(source), ...mediaFacts(source) } }),
  "loudnorm": (source) => ({ audio: audio(source), summary: null }),
  "waveform": ({ media }) => ({
    waveform: [0, 0.4, -0.4, 0.2, -0.2, 0],
    duration: media.seconds,
    points: 6,
    precision: 2,
  }),
  "caption": (source) => ({ video_url: source.fileUrl("output.mp4") }),
  "subtitle": (source) => ({
    video: video(source),
    transcription: "Simulated by Reelmint",
    subtitle_count: 1,
    words: [],
    transcription_metadata: null,
  }),
  "trim": (source) => ({
    video: video(source),
    original_duration: source.media.inputSeconds,
    trimmed_duration: source.media.seconds,
  }),
  "scale": (source) => ({
    video: video(source),
    original_width: SAMPLE.width,
    original_height: SAMPLE.height,
    scaled_width: source.media.width,
    scaled_height: source.media.height,
  }),
  "audio": (source) => ({ audio: audio(source) }),
  "audio seed": (source) => ({ audio: audio(source), seed: seed(source) }),
  "audio prompt seed": (source) => ({ audio: audio(source), prompt: prompt(source), seed: seed(source) }),
  "speech": (source) => ({ audio: audio(source), timestamps: null }),
  "audio_file": (source) => ({ audio_file: audio(source) }),
};

function measures({ media: { seconds, fps, width, height } }: OutputSource): JsonObject {
  return { duration: seconds, fps, height, width, num_frames: Math.round(seconds * fps) };
}

function mediaFacts({ media: { seconds, fps, width, height } }: OutputSource): JsonObject {
  return {
    duration: seconds,
    bitrate: 227_000,
    codec: "h264",
    container: "mp4",
    fps,
    frame_count: Math.round(seconds * fps),
    timebase: "1/12288",
    resolution: { aspect_ratio: "16:9", width, height },
    format: {
      container: "mp4",
      video_codec: "h264",
      profile: "Constrained Baseline",
      level: 30,
      pixel_format: "yuv420p",
    },
    audio: { codec: "aac", channels: 1, sample_rate: 44_100, bitrate: 48_000 },
    start_frame_url: null,
    end_frame_url: null,
  };
}

function video(source: OutputSource): JsonObject {
  return file(source, "output.mp4", "mp4");
}

function audio(source: OutputSource): JsonObject {
  return file(source, "output.mp3", "mp3");
}

function image(source: OutputSource): JsonObject {
  return { ...file(source, "frame.jpg", "jpg"), width: source.media.width, height: source.media.height };
}

function file({ fileUrl, media }: OutputSource, name: string, kind: SampleKind): JsonObject {
  return { url: fileUrl(name), content_type: SAMPLE.contentTypes[kind], file_name: name, file_size: media.bytes[kind] };
}

function seed(source: OutputSource): Json {
  return typeof source.input.seed === "number" ? source.input.seed : 1_234_567;
}

function prompt(source: OutputSource): Json {
  return source.input.prompt ?? "";
}
