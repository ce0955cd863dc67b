import assert from "node:assert/strict";
import type { JsonObject } from "../shared/json.ts";
import type { VideoRequest } from "../studio/studio.ts";
import { soundRequest, videoRequest } from "./requests.ts";

const KLING = "fal-ai/kling-video/v3/standard/text-to-video";
const VEO = "fal-ai/veo3.1/fast";

const VIDEOS: [endpoint: string, input: JsonObject, asked: Partial<VideoRequest>][] = [
  [VEO, { prompt: "A fox" }, {
    prompt: "A fox",
    seconds: 8,
    width: 1280,
    height: 720,
    framesPerSecond: 24,
    hasSound: true,
  }],
  [VEO, { duration: "4s", resolution: "4k" }, { seconds: 4, width: 3840, height: 2160 }],
  [KLING, { duration: "3", generate_audio: false }, { seconds: 3, framesPerSecond: 30, hasSound: false }],
  [KLING, { aspect_ratio: "9:16" }, { seconds: 5, width: 720, height: 1280, hasSound: true }],
  [KLING, { aspect_ratio: "1:1", resolution: "480p" }, { width: 480, height: 480 }],
  ["fal-ai/wan-flf2v", { num_frames: 81, frames_per_second: 16 }, {
    seconds: 81 / 16,
    framesPerSecond: 16,
    hasSound: false,
  }],
  ["m/image-to-video", { image_url: "https://x/1" }, { image: { url: "https://x/1", givesShape: true } }],
  ["m/image-to-video", { image_url: "https://x/1", aspect_ratio: "9:16" }, {
    width: 720,
    image: { url: "https://x/1", givesShape: false },
  }],
  ["owner/model", { duration: "soon", aspect_ratio: "auto", fps: -1, prompt: 7 }, {
    prompt: "",
    seconds: 5,
    width: 1280,
  }],
];

for (const [endpoint, input, asked] of VIDEOS) {
  Deno.test(`${endpoint} with ${JSON.stringify(input)} asks for ${JSON.stringify(asked)}`, () => {
    const request = videoRequest({ endpoint, input });
    assert.deepEqual({ ...request, ...asked }, request);
  });
}

Deno.test("music lasts as long as asked, and speech as long as its text takes", () => {
  const sound = (endpoint: string, input: JsonObject) => soundRequest({ endpoint, input });
  const stable = "fal-ai/stable-audio-25/text-to-audio";
  assert.deepEqual(sound(stable, { prompt: "Calm", seconds_total: 12 }), { kind: "music", seconds: 12 });
  assert.deepEqual(sound("fal-ai/elevenlabs/music", { music_length_ms: 5000 }), { kind: "music", seconds: 5 });
  assert.deepEqual(sound(stable, { seconds_total: 99_999 }), { kind: "music", seconds: 30 });
  const text = "a".repeat(45);
  assert.deepEqual(sound("fal-ai/kokoro/american-english", { prompt: text }), { kind: "voice", seconds: 3 });
  assert.deepEqual(sound("fal-ai/elevenlabs/tts/eleven-v3", { text }), { kind: "voice", seconds: 3 });
});
