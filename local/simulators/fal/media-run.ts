import type { Ffmpeg, FfmpegCommand } from "../ffmpeg/engine.ts";
import { InputError } from "../studio/inputs.ts";
import type { Studio, ToolFiles } from "../studio/studio.ts";

const TIMEOUT_SECONDS = 300;
/** How a video and its sound are encoded. */
export const H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-pix_fmt", "yuv420p"];
export const AAC = ["-c:a", "aac", "-b:a", "128k"];
export const FAST_START = ["-movflags", "+faststart"];
export const MP3 = ["-c:a", "libmp3lame", "-b:a", "128k"];
/** Fetches an input and makes sure that it is media. */
export async function readInput(studio: Studio, ffmpeg: Ffmpeg, url: string): Promise<Uint8Array> {
  const file = await studio.input(url);
  await ffmpeg.probe(file).catch((cause) => {
    throw new InputError("the file is no media", { cause });
  });
  return file;
}

/** Runs a command whose output is the last of its words. */
export async function run(
  ffmpeg: Ffmpeg,
  command: Pick<FfmpegCommand, "arguments" | "inputs">,
): Promise<ToolFiles> {
  const output = command.arguments.at(-1) ?? "";
  const { [output]: file } = await ffmpeg.run({ ...command, outputs: [output], timeoutSeconds: TIMEOUT_SECONDS });
  return { [output.slice(-3)]: file };
}

/** The loudness of the whole sound in LUFS. */
export async function measureLoudness(ffmpeg: Ffmpeg, sound: Uint8Array): Promise<number> {
  const filter = "ebur128=metadata=1,ametadata=mode=print:key=lavfi.r128.I:file=loudness.txt";
  const { "loudness.txt": lines } = await ffmpeg.run({
    arguments: ["-i", "in0", "-vn", "-af", filter, "-f", "null", "-"],
    inputs: { in0: sound },
    outputs: ["loudness.txt"],
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  const last = new TextDecoder().decode(lines).trim().split("=").at(-1);
  return Number(last);
}
