import assert from "node:assert/strict";
import { needsJapaneseFont, writeSubtitles } from "./subtitles.ts";

function dialogueOf(text: string): string {
  const styles = [{ name: "text", size: 20, alignment: 2 as const, margin: 10 }];
  const file = writeSubtitles({
    width: 640,
    height: 360,
    styles,
    cues: [{ start: 0.004, end: 3661.5, text, style: "text" }],
  });
  const lines = file.trimEnd().split("\n");
  assert.match(lines.at(-2) ?? "", /^Format: Layer/, "a text is one line");
  return lines.at(-1) ?? "";
}

Deno.test("a text is one line of its own, whatever it contains", () => {
  const start = "Dialogue: 0,0:00:00.00,1:01:01.50,text,,0,0,0,,";
  const TEXTS: [text: string, written: string][] = [
    ["Hello, world", "Hello, world"],
    ["two\r\nlines\rmore", "two\\Nlines\\Nmore"],
    ["{\\pos(0,0)}", "\\{\\\u2060pos(0,0)\\}"],
    ["\\N \\", "\\\u2060N \\\u2060"],
    ["a\u2028b\u0000c\ufeff", "a b c"],
    ["x\n[Fonts]\nDialogue: y", "x\\N[Fonts]\\NDialogue: y"],
    ["boat ⛵ and 👩‍🚀", "boat  and"],
    ["夜 night", "{\\fnNoto Sans JP}夜{\\fnNoto Sans} night"],
  ];
  for (const [text, written] of TEXTS) assert.equal(dialogueOf(text), start + written, text);
});

Deno.test("only a text with Japanese characters needs the font that has them", () => {
  assert.deepEqual(["ğışİ ñ Ω Я", "夜", "カナ", "！"].map(needsJapaneseFont), [false, true, true, true]);
  assert.equal(needsJapaneseFont("夜"), true, "and each time anew");
});
