/**
 * The subtitles of a job as the tools take them that draw them into the picture. User text is only ever inside these
 * files, never in a command.
 */

import { z } from "zod";
import { type Subtitle, subtitleSettings, timestamp } from "./subtitles.ts";

/** A font, and the characters of the texts that it draws; what no font draws, emoji, is left out of the picture. */
const fontSchema = z.object({ family: z.string(), characters: z.string() });
export type Font = z.infer<typeof fontSchema>;

/** The fonts of a step's input, as the database wrote them. */
export function fontsOf(value: unknown): Font[] {
  return z.array(fontSchema).parse(value);
}

/** Cannot be seen, and breaks up what a tool could take for markup. */
const WORD_JOINER = "\u2060";

/** The height of the picture in the file's own units; the tool scales it to the real one. */
const HEIGHT = 1080;

/** Sizes are parts of the shorter side of the picture. */
interface Style {
  bold: boolean;
  size: number;
  outline: number;
  shadow: number;
  /** From the upper or lower edge, as a part of the height. */
  margin: number;
}
const BOLD: Style = { bold: true, size: 0.085, outline: 0.009, shadow: 0.003, margin: 0.07 };
const DEFAULT: Style = { bold: false, size: 0.068, outline: 0.006, shadow: 0.002, margin: 0.07 };
/** The words of an animated style do not move in the picture. */
const STYLES: Readonly<Record<string, Style>> = {
  default: DEFAULT,
  bold: BOLD,
  animated: BOLD,
  minimal: { bold: false, size: 0.058, outline: 0.002, shadow: 0, margin: 0.06 },
};
/** https://aegisub.org/docs/latest/ass_tags/: the places of the keys of a number pad. */
const ALIGNMENTS: Readonly<Record<string, number>> = { bottom: 2, center: 5, top: 8 };
const SIDE_MARGIN = 0.06;
/** The width of a character in sizes of its font, estimated high. */
const WIDE = 1;
const NARROW = 0.6;
const LINE_HEIGHT = 1.2;
const FULLEST = 0.8;

/** The subtitles as SubRip: one text for each, with what could be a tag broken up. */
export function srtOf(settings: unknown, fonts: readonly Font[]): string {
  const { subtitles } = subtitleSettings.parse(settings);
  const time = (seconds: number) => timestamp(seconds).replace(".", ",");
  return subtitles.flatMap(({ startTime, endTime, text }) => {
    const lines = drawnLines(text, fonts).map((line) =>
      line.map(({ text }) => text).join("").trim().replaceAll(/[<{\\&]|--(?=>)/g, `$&${WORD_JOINER}`)
    ).filter((line) => line !== "");
    // An empty line ends a subtitle.
    const end = Math.max(startTime + 0.001, endTime);
    return lines.length === 0 ? [] : [`${time(startTime)} --> ${time(end)}\n${lines.join("\n")}\n`];
  }).map((subtitle, index) => `${index + 1}\n${subtitle}`).join("\n");
}

/** The subtitles as a file of Advanced SubStation Alpha, https://github.com/libass/libass/wiki/ASS-File-Format-Guide. */
export function assOf(settings: unknown, fonts: readonly Font[]): string {
  const { subtitles, subtitle_style, subtitle_position } = subtitleSettings.parse(settings);
  const style = STYLES[subtitle_style] ?? DEFAULT;
  const width = widthOf(settings);
  const pixels = (part: number) => Math.round(part * Math.min(width, HEIGHT));
  const side = Math.round(SIDE_MARGIN * width);
  const size = pixels(style.size);
  const page = { width: width - 2 * side, height: FULLEST * HEIGHT };
  return [
    "[Script Info]",
    "ScriptType: v4.00+",
    `PlayResX: ${width}`,
    `PlayResY: ${HEIGHT}`,
    "WrapStyle: 0",
    "ScaledBorderAndShadow: yes",
    "",
    "[V4+ Styles]",
    "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, " +
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding",
    `Style: Default,${fonts[0]?.family},${size},&H00FFFFFF,&H00FFFFFF,&H00000000,&H80000000,${
      style.bold ? -1 : 0
    },0,0,` +
    `0,100,100,0,0,1,${pixels(style.outline)},${pixels(style.shadow)},${ALIGNMENTS[subtitle_position] ?? 2},` +
    `${side},${side},${Math.round(style.margin * HEIGHT)},1`,
    "",
    "[Events]",
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
    ...subtitles.map((subtitle) => dialogue(subtitle, fonts, size, page)),
    "",
  ].join("\n");
}

interface Page {
  width: number;
  height: number;
}

function dialogue(subtitle: Subtitle, fonts: readonly Font[], usualSize: number, page: Page): string {
  const lines = drawnLines(subtitle.text, fonts);
  const size = sizeFor(lines, usualSize, page);
  const start = Math.round(subtitle.startTime * 100);
  // A subtitle of no time is not drawn.
  const end = Math.max(start + 1, Math.round(subtitle.endTime * 100));
  const text = lines.map((line) => assLine(line, fonts, page.width / size)).join("\\N");
  return `Dialogue: 0,${assTime(start)},${assTime(end)},Default,,0,0,0,,${
    size === usualSize ? "" : `{\\fs${size}}`
  }${text}`;
}

/** `h:mm:ss.cc`. */
function assTime(centiseconds: number): string {
  return timestamp(centiseconds / 100).slice(1, -1);
}

/** A part of a line in one font. */
interface Run {
  font: number;
  text: string;
}

/** The lines of a text, in the parts that each font draws; spaces stay in the font before them. */
function drawnLines(text: string, fonts: readonly Font[]): Run[][] {
  const letters = fonts.map(({ characters }) => new Set(characters));
  return text.normalize("NFC").split(/\r\n?|[\n\u2028\u2029]/).map((line) => {
    const runs: Run[] = [];
    for (const letter of line) {
      const isSpace = /[\s\p{Cc}\uFEFF]/u.test(letter);
      const last = runs.at(-1);
      const font = isSpace ? last?.font ?? 0 : letters.findIndex((drawn) => drawn.has(letter));
      if (font < 0) continue;
      const shown = isSpace ? " " : letter;
      if (last?.font === font) last.text += shown;
      else runs.push({ font, text: shown });
    }
    return runs;
  });
}

/** A line with what could be a command escaped, and words broken that are longer than a line of so many sizes. */
function assLine(runs: readonly Run[], fonts: readonly Font[], sizes: number): string {
  let width = 0;
  return runs.map(({ font, text }) => {
    const written = [...text].map((letter) => {
      width = letter === " " ? 0 : width + widthOfLetter(letter);
      const escaped = letter === "\\" ? `\\${WORD_JOINER}` : /[{}]/.test(letter) ? `\\${letter}` : letter;
      if (width <= sizes) return escaped;
      width = widthOfLetter(letter);
      return `\\N${escaped}`;
    }).join("");
    return font === 0 ? written : `{\\fn${fonts[font]?.family}}${written}{\\fn${fonts[0]?.family}}`;
  }).join("");
}

/** The usual size, or a smaller one in which the whole text stays in the picture. */
function sizeFor(lines: readonly Run[][], usualSize: number, page: Page): number {
  const widths = lines.map((runs) =>
    runs.reduce((sum, { text }) => sum + [...text].reduce((width, letter) => width + widthOfLetter(letter), 0), 0)
  );
  let size = usualSize;
  const height = () =>
    widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width * size / page.width)), 0) * LINE_HEIGHT * size;
  while (size > 1 && height() > page.height) size = Math.floor(size * 0.9);
  return size;
}

/** Han, kana and full-width letters are as wide as they are high. */
function widthOfLetter(letter: string): number {
  return letter >= "\u2E80" ? WIDE : NARROW;
}

const shapeSchema = z.object({ aspect_ratio: z.string().regex(/^\d{1,2}:\d{1,2}$/) });
const sizeSchema = z.object({ width: z.number().positive(), height: z.number().positive() });

/** The width of the picture where its height is `HEIGHT`. If the settings do not tell it, a square is safe. */
function widthOf(settings: unknown): number {
  const shape = shapeSchema.safeParse(settings).data?.aspect_ratio.split(":").map(Number);
  const size = sizeSchema.safeParse(settings).data;
  const [width = 1, height = 1] = shape ?? (size === undefined ? [] : [size.width, size.height]);
  return width > 0 && height > 0 ? Math.round(HEIGHT * width / height) : HEIGHT;
}
