import { ENDPOINTS } from "./endpoints.ts";
import { inputFaults } from "./input-check.ts";
import { errorAnswer, type ModelAnswer, validationAnswer } from "./outcomes.ts";
import { type OutputMedia, outputOf, withoutMedia } from "./outputs.ts";
import type { Run } from "./run-queue.ts";
import { SAMPLE, sampleBytes, type SampleKind } from "../shared/samples.ts";
import type { Outcome, Settings } from "./script.ts";

/** What a run that ends with `outcome` answers; null for the one that never ends. */
export function answerOf(run: Run, outcome: Outcome, settings: Settings, url: string): ModelAnswer | null {
  if (outcome === "hang") return null;
  if (typeof outcome !== "string") return customAnswer(outcome);
  if (outcome !== "ok" && outcome !== "no_video" && outcome !== "expired") return errorAnswer(outcome);
  const known = settings.anyModel || settings.endpoints.includes(run.endpoint);
  const endpoint = ENDPOINTS[run.endpoint];
  if (endpoint === undefined && !known) {
    const path = run.endpoint.slice(run.app.length) || "/";
    return { status: 404, headers: {}, body: { detail: `Path ${path} not found` } };
  }
  const faults = endpoint !== undefined && settings.checkInput ? inputFaults(endpoint, run.input) : [];
  if (faults.length > 0) return validationAnswer(faults);
  if (run.output?.failure !== undefined) return run.output.failure;
  const media = mediaOf(run);
  const output = outputOf({
    kind: endpoint?.output ?? "video",
    input: run.input,
    fileUrl: (name) => `${run.script.media === "foreign" ? settings.foreignMediaOrigin : url}/files/${run.id}/${name}`,
    media,
    hugeIntegers: run.script.hugeIntegers === true,
  });
  return { status: 200, headers: {}, body: outcome === "no_video" ? withoutMedia(output) : output };
}

/** Whether fal bills this endpoint by compute, so that its answers have no `x-fal-billable-units`. */
export function isBilledByCompute(run: Run): boolean {
  return run.app === "fal-ai/ffmpeg-api" || run.app === "fal-ai/workflow-utilities";
}

/** What fal bills for a run: the seconds asked for; nothing for a failure. */
export function billableUnits(run: Run): number {
  if (run.answer === null || run.answer.status !== 200 || isBilledByCompute(run)) return 0;
  const { duration } = run.input;
  const seconds = typeof duration === "string" ? Number.parseFloat(duration) : Number(duration ?? 1);
  return Number.isFinite(seconds) ? seconds : 1;
}

function customAnswer(outcome: Exclude<Outcome, string>): ModelAnswer {
  return {
    status: outcome.status,
    headers: outcome.headers ?? {},
    body: outcome.body,
    ...(outcome.error === undefined ? {} : { error: outcome.error }),
    ...(outcome.errorType === undefined ? {} : { errorType: outcome.errorType }),
  };
}

/** What the output says of its files: of those that were made, else of the samples. */
function mediaOf({ script, output }: Run): OutputMedia {
  if (!output?.made) {
    const mp4 = script.media === "oversized" ? SAMPLE.bytes.mp4 : sampleBytes("mp4", script.mediaBytes);
    return { ...SAMPLE, bytes: { ...SAMPLE.bytes, mp4 }, inputSeconds: SAMPLE.seconds };
  }
  const { files, measures: { seconds, width, height, framesPerSecond: fps } } = output.made;
  const lengthOf = (kind: SampleKind) => files[kind]?.length ?? SAMPLE.bytes[kind];
  const bytes = { mp4: lengthOf("mp4"), jpg: lengthOf("jpg"), mp3: lengthOf("mp3") };
  return { seconds, fps, width, height, bytes, inputSeconds: output.inputSeconds ?? seconds };
}
