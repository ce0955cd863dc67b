/** A text and when it is shown, in seconds. */
export interface Cue {
  start: number;
  end: number;
  text: string;
}

/** A style of texts, in pixels of the picture. */
export interface TextStyle {
  name: string;
  size: number;
  /** As on a keypad: 8 is top center, 5 the middle, 2 bottom center, 7 top left, 3 bottom right. */
  alignment: 2 | 3 | 5 | 7 | 8;
  margin: number;
}

/** An ASS file: its styles, and cues with the style of each. */
export interface Subtitles {
  width: number;
  height: number;
  styles: TextStyle[];
  cues: (Cue & { style: string; /** Written before the text, not escaped. */ tags?: string })[];
}

/** The characters that Noto Sans lacks and Noto Sans JP has. */
const JAPANESE = /[\u2e80-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]+/g;
/** In no font here: they would be boxes. */
const PICTOGRAPHS = /\p{Extended_Pictographic}|[\u{1f1e6}-\u{1f1ff}\u{1f3fb}-\u{1f3ff}\ufe0f\u200d]/gu;
const LATIN_FONT = "Noto Sans";
const JAPANESE_FONT = "Noto Sans JP";

/** Whether a text needs Noto Sans JP. */
export function needsJapaneseFont(text: string): boolean {
  return text.search(JAPANESE) >= 0;
}

/** Writes an ASS file. A text is shown as it is, whatever it contains: it cannot begin a tag, a line or a section. */
export function writeSubtitles({ width, height, styles, cues }: Subtitles): string {
  const style = ({ name, size, alignment, margin }: TextStyle) =>
    `Style: ${name},${LATIN_FONT},${size},&H00FFFFFF,&H00FFFFFF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,` +
    `${(size / 10).toFixed(1)},0,${alignment},${margin},${margin},${margin},1`;
  const dialogue = ({ start, end, text, style, tags = "" }: Subtitles["cues"][number]) =>
    `Dialogue: 0,${timestamp(start)},${timestamp(end)},${style},,0,0,0,,${tags}${escapeText(text)}`;
  return [
    "[Script Info]",
    "ScriptType: v4.00+",
    `PlayResX: ${width}`,
    `PlayResY: ${height}`,
    "WrapStyle: 0",
    "ScaledBorderAndShadow: yes",
    "",
    "[V4+ Styles]",
    "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, " +
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding",
    ...styles.map(style),
    "",
    "[Events]",
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
    ...cues.map(dialogue),
    "",
  ].join("\n");
}

function escapeText(text: string): string {
  return text.normalize("NFC").trim()
    .replace(/\r\n?/g, "\n")
    .replace(PICTOGRAPHS, "")
    // deno-lint-ignore no-control-regex
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]/g, " ")
    // Without something between, the next character would make a tag of the backslash.
    .replaceAll("\\", "\\\u2060")
    .replace(/[{}]/g, "\\$&")
    .replaceAll("\n", "\\N")
    .replace(JAPANESE, `{\\fn${JAPANESE_FONT}}$&{\\fn${LATIN_FONT}}`);
}

/** ASS counts in hundredths. */
function timestamp(seconds: number): string {
  const hundredths = Math.round(seconds * 100);
  const pad = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(hundredths / 6000);
  const rest = hundredths % 6000;
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(Math.floor(rest / 100))}.${pad(rest % 100)}`;
}
