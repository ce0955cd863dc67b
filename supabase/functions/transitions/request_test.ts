import assert from "node:assert/strict";
import { batchBody, settingsOf, transitionBody } from "./request.ts";

const PLAIN = {
  front_image: "https://example.com/front.jpg",
  tail_image: "https://example.com/tail.jpg",
  prompt: "Dynamic video transition",
  duration: 5,
};
const PATH = `${crypto.randomUUID()}/${crypto.randomUUID()}.png`;
const subtitle = (changes: Record<string, unknown>) => [{ startTime: 0, endTime: 2.5, text: "First", ...changes }];

function issuesOf(body: unknown): string[] {
  const parsed = transitionBody.safeParse(body);
  return (parsed.error?.issues ?? []).map(({ path, message }) => `${path.join(".")} ${message}`);
}

const WHOLE_NUMBER = "duration must be a whole number from 1 to 60";
const VOLUME = "music_volume must be a whole number from 0 to 100";
const TYPES = "transition_type must be one of: FADE, SLIDE, ZOOM, WIPE, MORPH, BLUR, ROTATE, ENERGETIC, CALM";
const EMPTY_LINES = "subtitles.0.text must not have empty lines";
const UPLOADED = "must be an image_path that POST /uploads returned";

/** What is changed in a body that is right, and the one issue that it makes. */
const WRONG: [changes: Record<string, unknown>, issue: string][] = [
  [{ front_image: undefined }, "front_image required: send either this field or front_image_path, not both"],
  [{ front_image_path: PATH }, "front_image required: send either this field or front_image_path, not both"],
  [{ tail_image: null }, "tail_image required: send either this field or tail_image_path, not both"],
  [{ tail_image_path: PATH }, "tail_image required: send either this field or tail_image_path, not both"],
  [{ front_image: "http://example.com/a.jpg" }, "front_image must be a public https URL"],
  [{ tail_image: "https://10.0.0.1/a.jpg" }, "tail_image must be a public https URL"],
  [{ tail_image: 1 }, "tail_image must be text"],
  [{ front_image: undefined, front_image_path: "../x.png" }, `front_image_path ${UPLOADED}`],
  [{ tail_image: undefined, tail_image_path: "x" }, `tail_image_path ${UPLOADED}`],
  [{ prompt: "  " }, "prompt must be 1 to 5000 characters"],
  [{ prompt: "x".repeat(5001) }, "prompt must be 1 to 5000 characters"],
  [{ prompt: "a\0b" }, "prompt must be text without NUL or lone surrogates"],
  [{ prompt: 5 }, "prompt must be text"],
  [{ duration: undefined }, WHOLE_NUMBER],
  [{ duration: 0 }, WHOLE_NUMBER],
  [{ duration: 61 }, WHOLE_NUMBER],
  [{ duration: 2.5 }, WHOLE_NUMBER],
  [{ duration: "5" }, WHOLE_NUMBER],
  [{ transition_type: "SPIN" }, TYPES],
  [{ transition_type: 1 }, "transition_type must be text"],
  [{ enable_subtitles: true }, "subtitles required where enable_subtitles is true"],
  [{ enable_subtitles: true, subtitles: [] }, "subtitles required where enable_subtitles is true"],
  [{ enable_subtitles: "yes" }, "enable_subtitles must be true or false"],
  [{ subtitle_style: "comic" }, "subtitle_style must be one of: default, bold, animated, minimal"],
  [{ subtitle_position: "left" }, "subtitle_position must be one of: bottom, center, top"],
  [{ subtitles: "none" }, "subtitles must be a list"],
  [{ subtitles: Array(201).fill(subtitle({})[0]) }, "subtitles must be a list of at most 200"],
  [{ subtitles: subtitle({ startTime: -1 }) }, "subtitles.0.startTime must not be negative"],
  [{ subtitles: subtitle({ endTime: "2" }) }, "subtitles.0.endTime must be a number of seconds"],
  [{ subtitles: subtitle({ endTime: 36_000 }) }, "subtitles.0.endTime must be at most 35999"],
  [{ subtitles: subtitle({ startTime: 2.5 }) }, "subtitles.0.endTime must be after startTime"],
  [{ subtitles: subtitle({ text: "x".repeat(501) }) }, "subtitles.0.text must be 1 to 500 characters"],
  [{ subtitles: subtitle({ text: " " }) }, "subtitles.0.text must not be blank"],
  [{ subtitles: subtitle({ text: "a\n\nb" }) }, EMPTY_LINES],
  [{ subtitles: subtitle({ text: "a\r\n \t\r\nb" }) }, EMPTY_LINES],
  [{ subtitles: subtitle({ text: "a\r\rb" }) }, EMPTY_LINES],
  [{ subtitles: subtitle({ text: "\na" }) }, EMPTY_LINES],
  [{ subtitles: subtitle({ text: "\ra" }) }, EMPTY_LINES],
  [{ subtitles: subtitle({ text: "a\n" }) }, EMPTY_LINES],
  [{ subtitles: subtitle({ colour: "red" }) }, 'subtitles.0 Unrecognized key: "colour"'],
  [{ enable_music: 1 }, "enable_music must be true or false"],
  [{ music_type: "polka" }, "music_type must be one of: ambient, upbeat, cinematic, calm, energetic"],
  [{ music_volume: 101 }, VOLUME],
  [{ music_volume: -1 }, VOLUME],
  [{ music_volume: 0.5 }, VOLUME],
  [{ enable_voiceover: "no" }, "enable_voiceover must be true or false"],
  [{ voice_type: "robot" }, "voice_type must be one of: male, female, neutral"],
  [{ enable_voiceover: true }, "voiceover_text required where enable_voiceover is true"],
  [{ enable_voiceover: true, voiceover_text: " " }, "voiceover_text required where enable_voiceover is true"],
  [{ voiceover_text: "x".repeat(1201) }, "voiceover_text must be 1 to 1200 characters"],
  [{ burn_in: "yes" }, "burn_in must be true or false"],
  [{ burn_in: true }, "enable_subtitles required where burn_in is true"],
  [{ deliver_without: ["video"] }, "deliver_without.0 must be one of: music, voiceover, subtitles"],
  [{ deliver_without: 1 }, "deliver_without must be a list"],
  [{ deliver_without: ["music", "music", "music", "music"] }, "deliver_without must be a list of at most 3"],
  [{ model_id: "x" }, "model_id must be a UUID"],
  [{ node_id: "x".repeat(129) }, "node_id must be 1 to 128 characters"],
  [{ colour: "red" }, ' Unrecognized key: "colour"'],
];

for (const [changes, issue] of WRONG) {
  Deno.test(`a body with ${JSON.stringify(changes).slice(0, 80)} has one issue: ${issue}`, () => {
    assert.deepEqual(issuesOf({ ...PLAIN, ...changes }), [issue]);
  });
}

/** Each at the very edge of what is taken. */
const RIGHT: Record<string, unknown>[] = [
  { duration: 1 },
  { duration: 60 },
  { prompt: `  ${"😀".repeat(5000)}  ` },
  { subtitles: subtitle({ endTime: 5, text: "😀".repeat(500) }) },
  { subtitles: subtitle({ text: "one\ntwo\r\nthree\rfour" }) },
  { enable_voiceover: true, voiceover_text: "😀".repeat(100) },
  { voiceover_text: "x".repeat(1200) },
  { front_image: undefined, front_image_path: PATH },
  { music_volume: 0 },
  { music_volume: 100 },
  { transition_type: null, subtitles: null, music_volume: null, voice_type: null, deliver_without: null },
];

for (const changes of RIGHT) {
  Deno.test(`a body with ${JSON.stringify(changes).slice(0, 80)} is taken`, () => {
    assert.deepEqual(issuesOf({ ...PLAIN, ...changes }), []);
  });
}

Deno.test("the settings are what was said and no more, the type in capitals", () => {
  const body = transitionBody.parse({ ...PLAIN, transition_type: "energetic", enable_music: false, music_type: null });
  assert.deepEqual(settingsOf(body), { duration: 5, transition_type: "ENERGETIC", enable_music: false });
});

for (const count of [0, 21]) {
  Deno.test(`a batch of ${count} is refused`, () => {
    const { error } = batchBody.safeParse({ transitions: Array(count).fill(PLAIN) });
    assert.deepEqual(error?.issues.map(({ path, message }) => [path, message]), [[
      ["transitions"],
      "must be a list of 1 to 20 transitions",
    ]]);
  });
}

Deno.test("an issue in a batch names its transition", () => {
  const { error } = batchBody.safeParse({ transitions: [PLAIN, { ...PLAIN, duration: 61 }] });
  assert.deepEqual(error?.issues.map(({ path }) => path), [["transitions", 1, "duration"]]);
});
