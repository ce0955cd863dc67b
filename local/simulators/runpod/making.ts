import { z } from "zod";
import type { Made, Studio } from "../studio/studio.ts";
import type { RunpodRun } from "./runs.ts";

const DEFAULT_FRAMES = 81;
/** Workers differ, and few take it as an input. */
const DEFAULT_FRAMES_PER_SECOND = 24;
const size = z.coerce.number().min(16).max(4096);

/** The names by which workers take these settings. Whatever cannot be read is left to its default. */
const inputSchema = z.object({
  positive_prompt: z.string().optional().catch(undefined),
  prompt: z.string().optional().catch(undefined),
  width: size.default(832).catch(832),
  height: size.default(480).catch(480),
  num_frames: z.coerce.number().int().min(1).max(3000).optional().catch(undefined),
  frames: z.coerce.number().int().min(1).max(3000).optional().catch(undefined),
  fps: z.coerce.number().min(1).max(120).default(DEFAULT_FRAMES_PER_SECOND).catch(DEFAULT_FRAMES_PER_SECOND),
});

/** Begins to make the video of a run; null where the sample stands for it. */
export function makeVideo(run: RunpodRun, studio: Studio | undefined): Promise<Made | null> | null {
  const { ending, media, mediaBytes } = run.script;
  if (studio === undefined || ending !== undefined || media !== undefined || mediaBytes !== undefined) return null;
  const { positive_prompt, prompt = "", width, height, num_frames, frames, fps } = inputSchema.parse(run.input);
  return studio.video({
    model: `RunPod endpoint ${run.endpoint}`,
    prompt: positive_prompt ?? prompt,
    seconds: (num_frames ?? frames ?? DEFAULT_FRAMES) / fps,
    width,
    height,
    framesPerSecond: fps,
    hasSound: false,
  });
}
