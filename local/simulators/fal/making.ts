import { FfmpegError } from "../ffmpeg/engine.ts";
import { InputError } from "../studio/inputs.ts";
import type { Made, Studio } from "../studio/studio.ts";
import { ENDPOINTS, type OutputKind } from "./endpoints.ts";
import { inputFaults } from "./input-check.ts";
import { errorAnswer, type ModelAnswer } from "./outcomes.ts";
import { soundRequest, videoRequest } from "./requests.ts";
import type { Run } from "./run-queue.ts";
import type { Settings } from "./script.ts";
import { TOOLS } from "./tools.ts";

/** What came of making a run's output. */
export interface Making {
  /** Null where samples stand for it. */
  made: Made | null;
  /** The length of the video that a tool was given. */
  inputSeconds?: number | undefined;
  /** The result of a run that could not be done. */
  failure?: ModelAnswer;
}

const VIDEOS: readonly OutputKind[] = [
  "video",
  "video seed",
  "video seed prompt",
  "video seed actual_prompt",
  "sora",
];
const SOUNDS: readonly OutputKind[] = ["audio", "audio seed", "audio prompt seed", "speech", "audio_file"];

/** Begins to make the output of a run; null where samples stand for it. It never rejects. */
export function makeOutput(run: Run, settings: Settings, studio: Studio | undefined): Promise<Making> | null {
  const { outcome = "ok", media, mediaBytes } = run.script;
  if (studio === undefined || outcome !== "ok" || media !== undefined || mediaBytes !== undefined) return null;
  const endpoint = ENDPOINTS[run.endpoint];
  // The run ends with that fault.
  if (endpoint !== undefined && settings.checkInput && inputFaults(endpoint, run.input).length > 0) return null;
  const tool = TOOLS[run.endpoint];
  if (tool !== undefined) {
    return tool(run.input, studio).catch((error: unknown) => {
      if (error instanceof FfmpegError) studio.noteFailure(run.endpoint, error);
      return { made: null, ...failure(error) };
    });
  }
  if (run.app === "fal-ai/ffmpeg-api") return null;
  const output = endpoint?.output ?? "video";
  if (VIDEOS.includes(output)) return studio.video(videoRequest(run)).then((made) => ({ made }));
  if (SOUNDS.includes(output)) return studio.sound(soundRequest(run)).then((made) => ({ made }));
  return null;
}

function failure(error: unknown): Pick<Making, "failure"> {
  if (error instanceof InputError) return { failure: errorAnswer("file_download_error") };
  if (error instanceof FfmpegError) return { failure: errorAnswer("internal_server_error") };
  return { failure: errorAnswer("internal_server_error_final") };
}
