import type { Made, Studio } from "../studio/studio.ts";
import type { VeoOperation } from "./routes.ts";

const SHORT_SIDE: Readonly<Record<string, number>> = { "720p": 720, "1080p": 1080, "4k": 2160 };
const LONG_TO_SHORT = 16 / 9;
const FRAMES_PER_SECOND = 24;

/** Begins to make the video of an operation; null where the sample stands for it. Veo's videos always have sound. */
export function makeVideo(operation: VeoOperation, studio: Studio | undefined): Promise<Made | null> | null {
  const { ending, media, mediaBytes } = operation.script;
  if (studio === undefined || ending !== undefined || media !== undefined || mediaBytes !== undefined) return null;
  const { durationSeconds = 8, resolution = "720p", aspectRatio = "16:9" } = operation.parameters;
  const short = SHORT_SIDE[String(resolution)] ?? 720;
  const long = Math.round(short * LONG_TO_SHORT);
  const isWide = aspectRatio === "16:9";
  return studio.video({
    model: operation.model,
    prompt: operation.prompt,
    seconds: Number(durationSeconds),
    width: isWide ? long : short,
    height: isWide ? short : long,
    framesPerSecond: FRAMES_PER_SECOND,
    hasSound: true,
  });
}
