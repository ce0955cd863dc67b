import assert from "node:assert/strict";
import { assOf, type Font, srtOf } from "./drawn-subtitles.ts";

const JOINER = "\u2060";
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ğüşıöçİÑé<>{}\\\"'%.,;:=&[]()/-$C";
const LATIN: Font = { family: "Noto Sans", characters: LETTERS };
const KANA: Font = { family: "Noto Sans JP", characters: "日本語あ" };
const ONE = { startTime: 0, endTime: 2.5, text: "First subtitle" };

function settingsOf(subtitles: unknown[], more: Record<string, unknown> = {}) {
  return { enable_subtitles: true, subtitles, subtitle_style: "default", subtitle_position: "bottom", ...more };
}

/** The last field of each event. */
function eventsOf(texts: string[], more: Record<string, unknown> = {}): string[] {
  const file = assOf(settingsOf(texts.map((text) => ({ ...ONE, text })), more), [LATIN, KANA]);
  return [...file.matchAll(/^Dialogue: (?:[^,]*,){9}(.*)$/gm)].map(([, text = ""]) => text);
}

Deno.test("a file of one subtitle in a wide picture is this one, byte by byte", () => {
  const file = assOf(settingsOf([ONE], { aspect_ratio: "16:9", subtitle_style: "bold" }), [LATIN]);
  assert.equal(
    file,
    `[Script Info]
ScriptType: v4.00+
PlayResX: 1920
PlayResY: 1080
WrapStyle: 0
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Noto Sans,92,&H00FFFFFF,&H00FFFFFF,&H00000000,&H80000000,-1,0,0,0,100,100,0,0,1,10,3,2,115,115,76,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.00,0:00:02.50,Default,,0,0,0,,First subtitle
`,
  );
});

const ESCAPED: [text: string, written: string][] = [
  ["{\\fs90\\pos(0,0)} \\N <b>", `\\{\\${JOINER}fs90\\${JOINER}pos(0,0)\\} \\${JOINER}N <b>`],
  ['C:\\new "q" 50% [a];drawtext=', `C:\\${JOINER}new "q" 50% [a];drawtext=`],
  ["one\ntwo\r\nthree\rfour\u2028five", "one\\Ntwo\\Nthree\\Nfour\\Nfive"],
  ["tab\tand\u0007bell", "tab and bell"],
  ["g\u0306 ğışİ", "ğ ğışİ"],
  ["a 日本 b", "a {\\fnNoto Sans JP}日本 {\\fnNoto Sans}b"],
  ["日b", "{\\fnNoto Sans JP}日{\\fnNoto Sans}b"],
  ["hi 🎉👩‍👩‍👧 there", "hi  there"],
  ["[Fonts]\nDialogue: 0", "[Fonts]\\NDialogue: 0"],
];

for (const [text, written] of ESCAPED) {
  Deno.test(`${JSON.stringify(text)} is shown as it is, in the fonts that have it`, () => {
    assert.deepEqual(eventsOf([text]), [written]);
  });
}

Deno.test("no text adds a line to the file, whatever is in it", () => {
  const text = Array.from({ length: 0x2100 }, (_, code) => String.fromCharCode(code)).join("");
  const plain = assOf(settingsOf([ONE]), [LATIN]).split("\n").length;
  const lines = assOf(settingsOf([{ ...ONE, text }]), [LATIN]).split(/\r\n?|[\n\u0085\u2028\u2029]/);
  assert.equal(lines.length, plain);
});

for (
  const [settings, width] of [
    [{ aspect_ratio: "9:16" }, 608],
    [{ aspect_ratio: "1:1" }, 1080],
    [{ aspect_ratio: "auto" }, 1080],
    [{ aspect_ratio: "0:0" }, 1080],
    [{ width: 832, height: 480 }, 1872],
    [{}, 1080],
  ] as const
) {
  Deno.test(`the picture of ${JSON.stringify(settings)} is ${width} wide where it is 1080 high`, () => {
    assert.match(assOf(settingsOf([ONE], settings), [LATIN]), new RegExp(`^PlayResX: ${width}$`, "m"));
  });
}

for (const [position, place] of [["bottom", 2], ["center", 5], ["top", 8]] as const) {
  Deno.test(`subtitles at the ${position} have the alignment ${place}`, () => {
    const style = assOf(settingsOf([ONE], { subtitle_position: position }), [LATIN]).match(/^Style: (.*)$/m)?.[1];
    assert.equal(style?.split(",")[18], String(place));
  });
}

for (const [style, bold] of [["default", "0"], ["minimal", "0"], ["bold", "-1"], ["animated", "-1"]] as const) {
  Deno.test(`the style ${style} is ${bold === "0" ? "not " : ""}bold`, () => {
    const written = assOf(settingsOf([ONE], { subtitle_style: style }), [LATIN]).match(/^Style: (.*)$/m)?.[1];
    assert.equal(written?.split(",")[7], bold);
  });
}

Deno.test("a subtitle has some time, and its times are to the hundredth", () => {
  const times = [[0.001, 0.002], [59.999, 61], [3599.5, 3600.004]].map(([startTime, endTime]) => ({
    startTime,
    endTime,
    text: "a",
  }));
  const file = assOf(settingsOf(times), [LATIN]);
  assert.deepEqual(
    [...file.matchAll(/^Dialogue: 0,([^,]*),([^,]*)/gm)].map(([, start, end]) => `${start} ${end}`),
    ["0:00:00.00 0:00:00.01", "0:01:00.00 0:01:01.00", "0:59:59.50 1:00:00.00"],
  );
});

Deno.test("a long word is broken before it leaves the picture, and a long text is smaller", () => {
  assert.deepEqual(eventsOf(["日".repeat(20)]), [
    `{\\fnNoto Sans JP}${"日".repeat(13)}\\N${"日".repeat(7)}{\\fnNoto Sans}`,
  ]);
  const [long = ""] = eventsOf(["word ".repeat(100).trim()]);
  const size = Number(long.match(/^\{\\fs(\d+)\}/)?.[1]);
  assert.ok(size > 20 && size < 73, long);
  const [many = ""] = eventsOf([Array(200).fill("a").join("\n")]);
  assert.match(many, /^\{\\fs\d\}a\\Na/);
});

Deno.test("as SubRip each text has its times, and nothing in it is markup", () => {
  const text = "<b>{\\an8}</b> --> &lt; 日\nb";
  assert.equal(
    srtOf(settingsOf([ONE, { startTime: 3, endTime: 3661.25, text }, { ...ONE, text: "🎉" }]), [LATIN, KANA]),
    "1\n00:00:00,000 --> 00:00:02,500\nFirst subtitle\n\n" +
      "2\n00:00:03,000 --> 01:01:01,250\n" +
      `<${JOINER}b>{${JOINER}\\${JOINER}an8}<${JOINER}/b> --${JOINER}> &${JOINER}lt; 日\nb\n`,
  );
});

Deno.test("a subtitle shorter than the clock of its format is shown for one tick", () => {
  const subtitles = [{ startTime: 0.0001, endTime: 0.0004, text: "First subtitle" }];
  assert.match(srtOf(settingsOf(subtitles), [LATIN]), /00:00:00,000 --> 00:00:00,001\n/);
  assert.match(assOf(settingsOf(subtitles), [LATIN]), /Dialogue: 0,0:00:00\.00,0:00:00\.01,/);
});
