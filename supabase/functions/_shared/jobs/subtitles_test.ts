import assert from "node:assert/strict";
import { subtitlesOf } from "./subtitles.ts";

const ONE = { startTime: 0, endTime: 2.5, text: "First subtitle" };

function fileOf(subtitles: unknown[], subtitle_style = "default", subtitle_position = "bottom"): string | null {
  return subtitlesOf({ enable_subtitles: true, subtitles, subtitle_style, subtitle_position });
}

/** The cues alone. */
function cuesOf(subtitles: unknown[], style?: string): string | undefined {
  return fileOf(subtitles, style)?.split("\n\n").slice(2).join("\n\n");
}

const STYLES: Record<string, string> = {
  default: "color: white; background-color: rgba(0, 0, 0, 0.6);",
  bold: "color: white; font-weight: bold; background-color: rgba(0, 0, 0, 0.6);",
  animated: "color: yellow; font-weight: bold; background-color: transparent; text-shadow: 0 0 6px black;",
  minimal: "color: white; background-color: transparent; text-shadow: 0 0 4px black;",
};
const POSITIONS: Record<string, string> = { top: "line:5%,start", center: "line:50%,center", bottom: "line:95%,end" };

for (const [style, css] of Object.entries(STYLES)) {
  for (const [position, place] of Object.entries(POSITIONS)) {
    Deno.test(`a ${style} subtitle at the ${position} is this file, byte by byte`, () => {
      const text = style === "animated" ? "First <00:00:01.250>subtitle" : "First subtitle";
      assert.equal(
        fileOf([ONE], style, position),
        `WEBVTT\n\nSTYLE\n::cue { ${css} }\n\n00:00:00.000 --> 00:00:02.500 ${place}\n${text}\n`,
      );
    });
  }
}

Deno.test("several subtitles are cues with an empty line between them", () => {
  assert.equal(
    cuesOf([ONE, { startTime: 2.5, endTime: 60, text: "Second" }]),
    "00:00:00.000 --> 00:00:02.500 line:95%,end\nFirst subtitle\n\n" +
      "00:00:02.500 --> 00:01:00.000 line:95%,end\nSecond\n",
  );
});

const TEXTS: [text: string, written: string][] = [
  ["a < b & c > d", "a &lt; b &amp; c &gt; d"],
  ["<b>bold</b>", "&lt;b&gt;bold&lt;/b&gt;"],
  ["&lt; stays", "&amp;lt; stays"],
  ["00:01 --> 00:02", "00:01 --&gt; 00:02"],
  ["Merhaba 👋🏽 dünya", "Merhaba 👋🏽 dünya"],
  ["one\ntwo", "one\ntwo"],
  ["one\r\ntwo\rthree", "one\ntwo\nthree"],
  ["NOTE this\nSTYLE that", "NOTE this\nSTYLE that"],
];

for (const [text, written] of TEXTS) {
  Deno.test(`${JSON.stringify(text)} appears as it was given`, () => {
    assert.equal(cuesOf([{ ...ONE, text }]), `00:00:00.000 --> 00:00:02.500 line:95%,end\n${written}\n`);
  });
}

const ANIMATED: [text: string, written: string][] = [
  ["one", "one"],
  ["a < b", "a <00:00:00.833>&lt; <00:00:01.667>b"],
  ["one\ntwo", "one\n<00:00:01.250>two"],
  ["two  words ", "two  <00:00:01.250>words "],
];

for (const [text, written] of ANIMATED) {
  Deno.test(`the words of ${JSON.stringify(text)} come one after the other when animated`, () => {
    assert.equal(cuesOf([{ ...ONE, text }], "animated"), `00:00:00.000 --> 00:00:02.500 line:95%,end\n${written}\n`);
  });
}

for (
  const [seconds, mark] of [[0.0004, "00:00:00.000"], [59.9996, "00:01:00.000"], [0.1 + 0.2, "00:00:00.300"]] as const
) {
  Deno.test(`${seconds} seconds are ${mark}`, () => {
    assert.match(cuesOf([{ ...ONE, startTime: seconds, endTime: 61 }]) ?? "", new RegExp(`^${mark} --> 00:01:01.000 `));
  });
}

for (
  const settings of [
    {},
    { enable_subtitles: false, subtitles: [ONE], subtitle_style: "bold", subtitle_position: "top" },
    { enable_subtitles: true, subtitles: [], subtitle_style: "bold", subtitle_position: "top" },
  ]
) {
  Deno.test(`there is no file for ${JSON.stringify(settings).slice(0, 50)}`, () => {
    assert.equal(subtitlesOf(settings), null);
  });
}
