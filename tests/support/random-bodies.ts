import fc from "fast-check";
import { KLING, KLING_IMAGE, SORA, VEO } from "./harness.ts";

// Every UTF-16 unit, so that NUL, lone surrogates and invisible characters are all there.
const wildText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) });
/** A UUID, or what may be taken for one. */
export const nearlyUuid = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
  fc.constant(`${KLING}\0`),
  wildText,
);
const json = fc.jsonValue({ stringUnit: "binary", maxDepth: 4 });
const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, -0, 3, 5, 8, 1e300, 5e-324, 2 ** 53 + 2));
const settingName = fc.oneof(
  fc.constantFrom("duration", "resolution", "aspect_ratio", "fps", "cfg", "seed", "generate_audio", "negative_prompt"),
  fc.constantFrom("__proto__", "constructor", "toString", "", "steps"),
  wildText,
);
const settings = fc.dictionary(
  settingName,
  fc.oneof(number, fc.boolean(), fc.constantFrom("auto", "720p", "16:9", "4k", "8"), wildText, json),
  { maxKeys: 4 },
);
/** Extras that are nearly right: texts of every kind, lists of every form. */
const extras = fc.record({
  enable_voiceover: fc.boolean(),
  voiceover_text: fc.oneof(fc.constant("Hello"), wildText),
  enable_music: fc.boolean(),
  music_volume: fc.oneof(fc.constantFrom(0, 50, 100), number),
  enable_subtitles: fc.constantFrom(true, true, false),
  subtitles: fc.oneof(
    fc.array(
      fc.record({
        startTime: fc.constantFrom(0, 1, 2.5),
        endTime: fc.oneof(fc.constantFrom(3, 5, 5.1), number),
        text: fc.oneof(
          fc.string({ minLength: 1, unit: "grapheme" }),
          fc.constantFrom("{\\b1}", "<b>-->", "日本 ğ 🎉", "한"),
          wildText,
        ),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    json,
  ),
  subtitle_style: fc.constantFrom("default", "bold", "animated", "minimal", "comic"),
  burn_in: fc.boolean(),
  deliver_without: fc.oneof(fc.subarray(["music", "voiceover", "subtitles", "video"]), json),
}, { requiredKeys: [] });
const url = fc.oneof(
  fc.webUrl(),
  fc.constantFrom("https://example.com/a.png", "https://[::1", "https://a b", "HTTPS://EXAMPLE.COM", "https://1.1"),
  wildText.map((text) => `https://example.com/${text}`),
);
const validBody = fc.record({
  model_id: fc.constantFrom(KLING, KLING_IMAGE, VEO, SORA),
  prompt: fc.string({ minLength: 1, unit: "grapheme" }).map((text) => `A ${text.replaceAll("[", "(")}`),
  settings: fc.oneof(
    fc.constantFrom({}, { duration: 8 }, { duration: "auto", resolution: "720p" }, { generate_audio: false }),
    extras,
  ),
  image_url: fc.constant("https://example.com/a.png"),
  node_id: fc.constantFrom("node-1", "node-2"),
}, { requiredKeys: ["model_id", "prompt"] });
const mutation = fc.oneof(
  fc.record({ model_id: nearlyUuid }),
  fc.record({ prompt: wildText }),
  fc.record({ settings }),
  fc.record({ image_url: url }),
  fc.record({ node_id: wildText }),
  fc.record({ user_id: nearlyUuid }),
  fc.record({ max_credits: fc.oneof(number, fc.constantFrom(1, 5, 1000), json) }),
  fc.tuple(fc.constantFrom("model_id", "prompt", "settings", "image_url", "node_id", "user_id"), json)
    .map(([name, value]) => ({ [name]: value })),
  fc.dictionary(fc.oneof(wildText, fc.constantFrom("__proto__", "user", "prompt ")), json, { maxKeys: 2 }),
);
const mutatedBody = fc.tuple(validBody, fc.array(mutation, { maxLength: 2 }))
  .map(([body, mutations]) => JSON.stringify(Object.assign({}, body, ...mutations)));
const brokenText = fc.tuple(mutatedBody, fc.nat(), fc.string({ maxLength: 3, unit: "binary-ascii" }))
  .map(([text, place, put]) => text.slice(0, place % text.length) + put + text.slice((place % text.length) + 1));
/** A body of POST generate-video: right, nearly right, broken, or anything. */
export const body = fc.oneof(
  { weight: 1, arbitrary: validBody.map((value) => JSON.stringify(value)) },
  { weight: 4, arbitrary: mutatedBody },
  { weight: 2, arbitrary: brokenText },
  { weight: 1, arbitrary: json.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.from(bytes)) },
);
