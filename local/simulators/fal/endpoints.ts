import type { JsonObject } from "../shared/json.ts";
import { srtFaults } from "./srt.ts";

/** Which shape an endpoint's output has. */
export type OutputKind =
  | "video"
  | "video seed"
  | "video seed prompt"
  | "video seed actual_prompt"
  | "sora"
  | "compose"
  | "merge"
  | "frames"
  | "metadata"
  | "loudnorm"
  | "waveform"
  | "caption"
  | "subtitle"
  | "trim"
  | "scale"
  | "audio"
  | "audio seed"
  | "audio prompt seed"
  | "speech"
  | "audio_file";

/** The values that a field may have. */
export type Allowed = Readonly<Record<string, readonly (string | number)[]>>;

/** What the simulator knows of a fal endpoint. */
export interface Endpoint {
  output: OutputKind;
  /** Fields without which the run ends in a 422; `a|b` asks for either. */
  required: readonly string[];
  allowed: Allowed;
  /** What else may be wrong with an input. */
  check?: (input: JsonObject) => JsonObject[];
}

function endpoint(output: OutputKind, required: string, allowed: Allowed = {}): Endpoint {
  return { output, required: required === "" ? [] : required.split(" "), allowed };
}

/** Seconds as text, without unit, from `first` to `last`. */
function seconds(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
}

const WIDE = ["16:9", "9:16"];
const SAFETY = { safety_tolerance: ["1", "2", "3", "4", "5", "6"] };
const VEO_TEXT: Allowed = {
  ...SAFETY,
  duration: ["4s", "6s", "8s"],
  resolution: ["720p", "1080p", "4k"],
  aspect_ratio: WIDE,
};
const VEO_IMAGE: Allowed = { ...VEO_TEXT, aspect_ratio: ["auto", ...WIDE] };
const VEO_EXTEND: Allowed = { ...SAFETY, aspect_ratio: ["auto", ...WIDE] };
const LITE = { resolution: ["720p", "1080p"] };
const SORA_TEXT: Allowed = { duration: [4, 8, 12, 16, 20, ...["4", "8", "12", "16", "20"]], aspect_ratio: WIDE };
const SORA_IMAGE: Allowed = { duration: [4, 8, 12, ...["4", "8", "12"]], aspect_ratio: ["auto", ...WIDE] };
const KLING: Allowed = { duration: ["5", "10"] };
const KLING_V3: Allowed = { duration: seconds(3, 15), shot_type: ["customize", "intelligent"] };
const WAN_ASPECT = { aspect_ratio: ["auto", ...WIDE, "1:1"] };

/** In the order of VEED's page: the first 21 are billed once, the others twice. */
const VEED_PRESETS = [
  ..."simple plain beans corpo boo shadeplay casper capri lowkey vinta diego ali slay kitty hustle karl sprout".split(
    " ",
  ),
  ..."flex mint rizz vegas glass whisper glide glide2 fusion terminal handwritten backdrop backdrop2".split(" "),
];

const veoEndpoints = Object.fromEntries(["", "/fast"].flatMap((tier) => [
  [`fal-ai/veo3.1${tier}`, endpoint("video", "prompt", VEO_TEXT)],
  [`fal-ai/veo3.1${tier}/image-to-video`, endpoint("video", "prompt image_url", VEO_IMAGE)],
  [
    `fal-ai/veo3.1${tier}/first-last-frame-to-video`,
    endpoint("video", "prompt first_frame_url last_frame_url", VEO_IMAGE),
  ],
  [`fal-ai/veo3.1${tier}/extend-video`, endpoint("video", "prompt video_url", VEO_EXTEND)],
]));

/** The endpoints that exist, by id: the models of the provider reference. */
export const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  ...veoEndpoints,
  "fal-ai/veo3.1/reference-to-video": endpoint("video", "prompt image_urls", { aspect_ratio: WIDE }),
  "fal-ai/veo3.1/lite": endpoint("video", "prompt", { ...VEO_TEXT, ...LITE }),
  "fal-ai/veo3.1/lite/image-to-video": endpoint("video", "prompt image_url", { ...VEO_IMAGE, ...LITE }),
  "fal-ai/veo3.1/lite/first-last-frame-to-video": endpoint("video", "prompt first_frame_url last_frame_url", LITE),
  "fal-ai/veo3": endpoint("video", "prompt", VEO_TEXT),
  "fal-ai/veo3/fast": endpoint("video", "prompt", VEO_TEXT),
  "fal-ai/veo3/image-to-video": endpoint("video", "prompt image_url", VEO_IMAGE),
  "fal-ai/sora-2/text-to-video": endpoint("sora", "prompt", SORA_TEXT),
  "fal-ai/sora-2/image-to-video": endpoint("sora", "prompt image_url", SORA_IMAGE),
  "fal-ai/kling-video/v1.6/pro/image-to-video": endpoint("video", "prompt image_url", KLING),
  "fal-ai/kling-video/v2.1/pro/image-to-video": endpoint("video", "prompt image_url", KLING),
  "fal-ai/kling-video/v2.5-turbo/pro/image-to-video": endpoint("video", "prompt image_url", KLING),
  "fal-ai/kling-video/v2.5-turbo/standard/image-to-video": endpoint("video", "prompt image_url", KLING),
  "fal-ai/kling-video/v2.6/pro/image-to-video": endpoint("video", "prompt start_image_url", KLING),
  // Published by fal (client types of 2026-08), though provider pages describe only the image form.
  "fal-ai/kling-video/v3/standard/text-to-video": endpoint("video", "prompt|multi_prompt", {
    ...KLING_V3,
    aspect_ratio: [...WIDE, "1:1"],
  }),
  "fal-ai/kling-video/v3/standard/image-to-video": endpoint("video", "prompt|multi_prompt start_image_url", KLING_V3),
  "fal-ai/kling-video/v3/pro/image-to-video": endpoint("video", "prompt|multi_prompt start_image_url", KLING_V3),
  "fal-ai/kling-video/v3/4k/image-to-video": endpoint("video", "prompt|multi_prompt start_image_url", KLING_V3),
  "fal-ai/kling-video/o1/image-to-video": endpoint("video", "prompt start_image_url", { duration: seconds(3, 10) }),
  "fal-ai/wan-flf2v": endpoint("video seed", "prompt start_image_url end_image_url", {
    ...WAN_ASPECT,
    resolution: ["480p", "720p"],
    acceleration: ["none", "regular"],
  }),
  "fal-ai/wan/v2.2-a14b/image-to-video/turbo": endpoint("video seed prompt", "prompt image_url", {
    ...WAN_ASPECT,
    resolution: ["480p", "580p", "720p"],
    video_quality: ["low", "medium", "high", "maximum"],
    video_write_mode: ["fast", "balanced", "small"],
  }),
  "fal-ai/wan/v2.7/image-to-video": endpoint("video seed actual_prompt", "", {
    duration: seconds(2, 15).map(Number),
    resolution: ["720p", "1080p"],
  }),
  "wan/v2.6/image-to-video": endpoint("video seed actual_prompt", "prompt image_url", {
    duration: ["5", "10", "15"],
    resolution: ["720p", "1080p"],
  }),
  "fal-ai/wan-25-preview/image-to-video": endpoint("video seed actual_prompt", "prompt image_url", {
    duration: ["5", "10"],
    resolution: ["480p", "720p", "1080p"],
  }),
  "fal-ai/ffmpeg-api/compose": endpoint("compose", "tracks"),
  "fal-ai/ffmpeg-api/merge-audio-video": endpoint("video", "video_url audio_url"),
  "fal-ai/ffmpeg-api/merge-videos": endpoint("merge", "video_urls"),
  "fal-ai/ffmpeg-api/extract-frame": endpoint("frames", "video_url", { frame_type: ["first", "middle", "last"] }),
  "fal-ai/ffmpeg-api/metadata": endpoint("metadata", "media_url"),
  "fal-ai/ffmpeg-api/merge-audios": endpoint("audio", "audio_urls"),
  "fal-ai/ffmpeg-api/loudnorm": endpoint("loudnorm", "audio_url"),
  "fal-ai/ffmpeg-api/waveform": endpoint("waveform", "media_url"),
  "fal-ai/ffmpeg-api/images-to-video": endpoint("video", "images"),
  "fal-ai/auto-caption": endpoint("caption", "video_url", { text_case: ["default", "upper", "lower"] }),
  "fal-ai/workflow-utilities/auto-subtitle": endpoint("subtitle", "video_url", {
    font_weight: ["normal", "bold", "black"],
    position: ["top", "center", "bottom"],
  }),
  "fal-ai/workflow-utilities/trim-video": endpoint("trim", "video_url"),
  "fal-ai/workflow-utilities/scale-video": endpoint("scale", "video_url", { mode: ["stretch", "pad", "crop"] }),
  "veed/subtitles": { ...endpoint("video", "video_url preset", { preset: VEED_PRESETS }), check: srtFaults },
  "fal-ai/kokoro/american-english": endpoint("audio", ""),
  "fal-ai/elevenlabs/tts/eleven-v3": endpoint("speech", "text"),
  "fal-ai/elevenlabs/tts/turbo-v2.5": endpoint("speech", "text"),
  "fal-ai/elevenlabs/tts/multilingual-v2": endpoint("speech", "text"),
  "fal-ai/elevenlabs/music": endpoint("audio", "prompt|composition_plan"),
  "fal-ai/stable-audio-25/text-to-audio": endpoint("audio seed", "prompt"),
  "fal-ai/stable-audio-3/medium/text-to-audio": endpoint("audio prompt seed", "prompt"),
  "fal-ai/stable-audio-3/small/music/text-to-audio": endpoint("audio prompt seed", "prompt"),
  "fal-ai/stable-audio-3/small/sfx/text-to-audio": endpoint("audio prompt seed", "prompt"),
  "CassetteAI/music-generator": endpoint("audio_file", "prompt duration"),
  "fal-ai/minimax-music/v1.5": endpoint("audio", "prompt lyrics_prompt"),
  "fal-ai/minimax-music/v2": endpoint("audio", "prompt lyrics_prompt"),
  "fal-ai/minimax-music/v2.5": endpoint("audio", "prompt"),
  "fal-ai/minimax-music/v2.6": endpoint("audio", "prompt"),
};

/** The part of an endpoint id that status, result and cancel are addressed by. */
export function appOf(endpointId: string): string {
  const segments = endpointId.split("/");
  const length = segments[0] === "workflows" || segments[0] === "comfy" ? 3 : 2;
  return segments.slice(0, length).join("/");
}

/** The apps that exist. */
export const KNOWN_APPS: ReadonlySet<string> = new Set(Object.keys(ENDPOINTS).map(appOf));
