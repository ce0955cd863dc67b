import type { OutputKind } from "./endpoints.ts";
import type { Json, JsonObject } from "../shared/json.ts";
import { SAMPLE, type SampleKind } from "../shared/samples.ts";

/** What an output is made from. */
export interface OutputSource {
  kind: OutputKind;
  input: JsonObject;
  /** The address of the run's file of that name. */
  fileUrl(name: string): string;
  /** The size that the output declares for the video. */
  videoBytes: number;
  hugeIntegers: boolean;
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
    video: { ...video(source), ...measures },
    seed: seed(source),
    actual_prompt: prompt(source),
  }),
  "sora": (source) => ({
    video: { ...video(source), ...measures },
    video_id: "video_simulated",
    thumbnail: image(source),
    spritesheet: null,
  }),
  "compose": (source) => ({ video_url: source.fileUrl("output.mp4"), thumbnail_url: source.fileUrl("thumbnail.jpg") }),
  "merge": (source) => ({ video: video(source), metadata: {} }),
  "frames": (source) => ({ images: [image(source)] }),
  "metadata": (source) => ({ media: { media_type: "video", ...video(source), ...mediaFacts } }),
  "loudnorm": (source) => ({ audio: audio(source), summary: null }),
  "waveform": () => ({ waveform: [0, 0.4, -0.4, 0.2, -0.2, 0], duration: SAMPLE.seconds, points: 6, precision: 2 }),
  "caption": (source) => ({ video_url: source.fileUrl("output.mp4") }),
  "subtitle": (source) => ({
    video: video(source),
    transcription: "Simulated by Reelmint",
    subtitle_count: 1,
    words: [],
    transcription_metadata: null,
  }),
  "trim": (source) => ({ video: video(source), original_duration: SAMPLE.seconds, trimmed_duration: SAMPLE.seconds }),
  "scale": (source) => ({
    video: video(source),
    original_width: SAMPLE.width,
    original_height: SAMPLE.height,
    scaled_width: SAMPLE.width,
    scaled_height: SAMPLE.height,
  }),
  "audio": (source) => ({ audio: audio(source) }),
  "audio seed": (source) => ({ audio: audio(source), seed: seed(source) }),
  "audio prompt seed": (source) => ({ audio: audio(source), prompt: prompt(source), seed: seed(source) }),
  "speech": (source) => ({ audio: audio(source), timestamps: null }),
  "audio_file": (source) => ({ audio_file: audio(source) }),
};

const measures = {
  duration: SAMPLE.seconds,
  fps: SAMPLE.fps,
  height: SAMPLE.height,
  width: SAMPLE.width,
  num_frames: SAMPLE.seconds * SAMPLE.fps,
};

const mediaFacts = {
  duration: SAMPLE.seconds,
  bitrate: 227_000,
  codec: "h264",
  container: "mp4",
  fps: SAMPLE.fps,
  frame_count: SAMPLE.seconds * SAMPLE.fps,
  timebase: "1/12288",
  resolution: { aspect_ratio: "16:9", width: SAMPLE.width, height: SAMPLE.height },
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

function video(source: OutputSource): JsonObject {
  return file(source, "output.mp4", "mp4", source.videoBytes);
}

function audio(source: OutputSource): JsonObject {
  return file(source, "output.mp3", "mp3", SAMPLE.bytes.mp3);
}

function image(source: OutputSource): JsonObject {
  return { ...file(source, "frame.jpg", "jpg", SAMPLE.bytes.jpg), width: SAMPLE.width, height: SAMPLE.height };
}

function file(source: OutputSource, name: string, kind: SampleKind, bytes: number): JsonObject {
  return { url: source.fileUrl(name), content_type: SAMPLE.contentTypes[kind], file_name: name, file_size: bytes };
}

function seed(source: OutputSource): Json {
  return typeof source.input.seed === "number" ? source.input.seed : 1_234_567;
}

function prompt(source: OutputSource): Json {
  return source.input.prompt ?? "";
}
