import { z } from "zod";
import type { JsonObject } from "../shared/json.ts";
import { InputError } from "../studio/inputs.ts";
import type { Studio } from "../studio/studio.ts";
import { type Cue, writeSubtitles } from "../studio/subtitles.ts";
import type { Making } from "./making.ts";
import { parseSrt } from "./srt.ts";
import { FAST_START, H264, readInput, run } from "./media-run.ts";

const ALIGNMENT = { top: 8, center: 5, bottom: 2 } as const;
/** Shares of the picture's height. */
const TEXT_SIZE = 0.07;
const MARGIN = 0.06;

const inputSchema = z.object({
  video_url: z.string(),
  srt_content: z.string().optional(),
  srt_file_url: z.string().optional(),
  customization: z.object({ position: z.enum(["top", "center", "bottom"]).default("bottom").catch("bottom") })
    .default({ position: "bottom" }).catch({ position: "bottom" }),
});

/**
 * Burns the texts of an SRT into a video, at their times and in their position. All presets look the same here. Without
 * an SRT fal writes down what it hears, which cannot be done here.
 */
export async function burnSubtitles(input: JsonObject, studio: Studio): Promise<Making> {
  const { video_url, srt_content, srt_file_url, customization: { position } } = inputSchema.parse(input);
  if (srt_content === undefined && srt_file_url === undefined) return { made: null };
  const srt = srt_content ?? new TextDecoder().decode(await studio.input(srt_file_url ?? ""));
  const cues = parseSrt(srt);
  if (cues === null) throw new InputError("the SRT cannot be read");
  const made = await studio.make(["subtitles", video_url, cues, position], async (ffmpeg) => {
    const video = await readInput(studio, ffmpeg, video_url);
    const { width, height, hasSound } = await ffmpeg.probe(video);
    const fonts = await studio.fonts(srt);
    if (Object.keys(fonts).length === 0) throw new Error("No font: the texts would be missing");
    const ass = writeTexts(cues, { width, height, alignment: ALIGNMENT[position] });
    const sound = hasSound ? ["-c:a", "copy"] : [];
    return run(ffmpeg, {
      arguments: [
        ...["-i", "in0", "-vf", "subtitles=filename=texts.ass:fontsdir=fonts"],
        ...[...H264, ...sound, ...FAST_START, "output.mp4"],
      ],
      inputs: { in0: video, "texts.ass": new TextEncoder().encode(ass), ...fonts },
    });
  });
  return { made };
}

function writeTexts(
  cues: Cue[],
  { width, height, alignment }: { width: number; height: number; alignment: 2 | 5 | 8 },
): string {
  const style = { name: "text", size: Math.round(height * TEXT_SIZE), alignment, margin: Math.round(height * MARGIN) };
  return writeSubtitles({ width, height, styles: [style], cues: cues.map((cue) => ({ ...cue, style: style.name })) });
}
