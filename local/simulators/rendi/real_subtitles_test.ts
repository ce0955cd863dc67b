// Subtitles that are really drawn: where, when, and by which font.
import assert from "node:assert/strict";
import { assOf as writeAss } from "../../../supabase/functions/_shared/jobs/drawn-subtitles.ts";
import { classOf, failureOf, mediaOf } from "../../../supabase/functions/_shared/providers/test_support.ts";
import { differingBox, type Picture, RealBench } from "./test_support.ts";

let bench: RealBench;
let video: string;
let fonts: string[];
Deno.test.beforeAll(async () => {
  bench = await RealBench.start();
  video = await bench.source(["color=c=gray:s=320x180:r=10:d=2.4"], "gray.mp4");
  fonts = await bench.fonts();
});
Deno.test.afterAll(async () => await bench?.stop());

interface Cue {
  start: number;
  end: number;
  /** As ASS has it. */
  text: string;
}

/** The address of the video with the texts of an ASS file in its picture. */
async function burn(ass: string, font_urls = fonts): Promise<string> {
  const subtitles_url = bench.put("texts.ass", new TextEncoder().encode(ass));
  return mediaOf(await bench.run("subtitles", { video_url: video, subtitles_url, font_urls })).video_url ?? "";
}

function assOf(cues: Cue[]): string {
  const time = (seconds: number) => `0:00:${seconds.toFixed(2).padStart(5, "0")}`;
  return `[Script Info]
ScriptType: v4.00+
PlayResX: 320
PlayResY: 180
WrapStyle: 0
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Noto Sans,24,&H00FFFFFF,&H00FFFFFF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,1,0,2,20,20,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
${cues.map(({ start, end, text }) => `Dialogue: 0,${time(start)},${time(end)},Default,,0,0,0,,${text}`).join("\n")}
`;
}

Deno.test("a text is in its place during its time, and the picture is as it was everywhere else and between", async () => {
  const burnt = await burn(assOf([{ start: 0.5, end: 1, text: "First" }, { start: 1.5, end: 2, text: "Second" }]));
  const { frames, width, height } = await bench.measure(burnt);
  assert.deepEqual([frames, width, height], [24, 320, 180]);
  for (const time of [0.6, 1.6]) {
    const box = differingBox(await bench.pictureAt(video, time), await bench.pictureAt(burnt, time));
    assert.ok(box && box.top > 120 && box.bottom <= 175 && box.left > 60 && box.right < 260, JSON.stringify(box));
  }
  for (const time of [0.2, 1.2]) {
    const box = differingBox(await bench.pictureAt(video, time), await bench.pictureAt(burnt, time));
    assert.equal(box, null, `at ${time} s`);
  }
});

Deno.test("each character of Turkish, Spanish and Japanese has a picture of its own, not the box of a missing one", async () => {
  // The last one has no glyph in any font.
  const characters = ["ğ", "ş", "ı", "İ", "ñ", "¿", "日", "本", "か", "カ", "\u0378"];
  const isJapanese = (character: string) => character > "\u2e80";
  const cues = characters.map((character, index) => ({
    start: index / 5,
    end: (index + 1) / 5,
    text: isJapanese(character) ? `{\\fnNoto Sans JP}${character}` : character,
  }));
  const burnt = await burn(assOf(cues));
  const pictures: Picture[] = [];
  for (const index of characters.keys()) pictures.push(await bench.pictureAt(burnt, index / 5 + 0.1));
  const plain = await bench.pictureAt(video, 0);
  for (const [index, picture] of pictures.entries()) {
    assert.ok(differingBox(plain, picture), `nothing is shown for ${characters[index]}`);
    for (const [other, earlier] of pictures.slice(0, index).entries()) {
      assert.ok(differingBox(earlier, picture), `${characters[other]} and ${characters[index]} look the same`);
    }
  }
});

Deno.test("a user's text is shown as it is, whatever it looks like to ASS, in the size and on the lines of any other", async () => {
  const texts = [
    "{\\fs400} \\N <b> [a]; \"q\" 'x'",
    // The same without what would be a tag, or a line break.
    "<b> [a]; \"q\" 'x'",
    "{\\fs400} \\N",
    "|fs400| |N |b| |a|; \"q\" 'x'",
  ];
  const subtitles = texts.map((text, index) => ({ startTime: index / 2, endTime: (index + 1) / 2, text }));
  const settings = {
    enable_subtitles: true,
    subtitles,
    subtitle_style: "default",
    subtitle_position: "bottom",
    aspect_ratio: "16:9",
  };
  const burnt = await burn(writeAss(settings, [{ family: "Noto Sans", characters: texts.join("") }]));
  const plain = await bench.pictureAt(video, 0);
  const boxes = [];
  for (const index of texts.keys()) {
    const box = differingBox(plain, await bench.pictureAt(burnt, index / 2 + 0.2));
    assert.ok(box, `nothing is shown for ${texts[index]}`);
    boxes.push({ width: box.right - box.left, height: box.bottom - box.top });
  }
  const [whole, end, beginning, other] = boxes;
  assert.ok(whole && end && beginning && other);
  const shown = JSON.stringify(boxes);
  assert.ok(Math.abs(whole.height - other.height) <= 2, shown);
  assert.ok(Math.abs(whole.width - other.width) <= 0.1 * other.width, shown);
  assert.ok(beginning.width > 20 && Math.abs(whole.width - end.width - beginning.width) <= 10, shown);
});

Deno.test("a font that cannot be downloaded fails the command: there is no video without its text", async () => {
  const subtitles_url = bench.put("texts.ass", new TextEncoder().encode(assOf([{ start: 0, end: 1, text: "Text" }])));
  const font_urls = [...fonts, `${bench.origin}/missing.ttf`];
  const state = await bench.run("subtitles", { video_url: video, subtitles_url, font_urls });
  assert.equal(classOf(failureOf(state)), "retryable input_unavailable");
});
