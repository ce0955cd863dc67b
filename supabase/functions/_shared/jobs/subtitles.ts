import { z } from "zod";

/** A subtitle as its job's settings hold it: seconds from the beginning, and the exact text to show. */
const subtitleSchema = z.object({ startTime: z.number(), endTime: z.number(), text: z.string() });
export type Subtitle = z.infer<typeof subtitleSchema>;

/** The settings of a job that has subtitles. */
export const subtitleSettings = z.object({
  enable_subtitles: z.literal(true),
  subtitles: z.array(subtitleSchema).min(1),
  subtitle_style: z.string(),
  subtitle_position: z.string(),
});

/** CSS of the cues, for players that support STYLE blocks. */
const STYLES: Readonly<Record<string, string>> = {
  default: "color: white; background-color: rgba(0, 0, 0, 0.6);",
  bold: "color: white; font-weight: bold; background-color: rgba(0, 0, 0, 0.6);",
  animated: "color: yellow; font-weight: bold; background-color: transparent; text-shadow: 0 0 6px black;",
  minimal: "color: white; background-color: transparent; text-shadow: 0 0 4px black;",
};

/** Cue settings of https://www.w3.org/TR/webvtt1/#webvtt-cue-settings: the place of the text. */
const POSITIONS: Readonly<Record<string, string>> = {
  top: "line:5%,start",
  center: "line:50%,center",
  bottom: "line:95%,end",
};

/** The WebVTT file that a job's settings ask for; null where they ask for none. */
export function subtitlesOf(settings: Readonly<Record<string, unknown>>): string | null {
  const wanted = subtitleSettings.safeParse(settings).data;
  if (wanted === undefined) return null;
  const style = `STYLE\n::cue { ${STYLES[wanted.subtitle_style] ?? STYLES.default} }`;
  const position = POSITIONS[wanted.subtitle_position] ?? POSITIONS.bottom ?? "";
  const cues = wanted.subtitles.flatMap((subtitle) =>
    pieces(subtitle, wanted.subtitle_style).map(({ startTime, endTime, text }) =>
      `${timestamp(startTime)} --> ${timestamp(endTime)} ${position}\n${text}`
    )
  );
  return ["WEBVTT", style, ...cues].join("\n\n") + "\n";
}

/** One cue for each subtitle; an animated one shows its words one after the other, by timestamps inside the cue. */
function pieces(subtitle: Subtitle, style: string): Subtitle[] {
  if (style !== "animated") return [{ ...subtitle, text: escaped(subtitle.text) }];
  const words = subtitle.text.split(/(?<=\s)(?=\S)/);
  const perWord = (subtitle.endTime - subtitle.startTime) / words.length;
  const text = words.map((word, index) =>
    index === 0 ? escaped(word) : `<${timestamp(subtitle.startTime + index * perWord)}>${escaped(word)}`
  );
  return [{ ...subtitle, text: text.join("") }];
}

/** Escapes markup, and `-->`, which would end a cue, so that the text appears as the user wrote it. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(/\r\n?/g, "\n");
}

/** `hh:mm:ss.ttt`, to the millisecond. */
export function timestamp(seconds: number): string {
  const milliseconds = Math.round(seconds * 1000);
  const part = (unit: number, size: number) => String(Math.floor(milliseconds / unit) % size).padStart(2, "0");
  return `${part(3_600_000, 100)}:${part(60_000, 60)}:${part(1000, 60)}.${
    String(milliseconds % 1000).padStart(3, "0")
  }`;
}
