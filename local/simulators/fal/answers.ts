import { ENDPOINTS } from "./endpoints.ts";
import { inputFaults } from "./input-check.ts";
import { errorAnswer, type ModelAnswer, validationAnswer } from "./outcomes.ts";
import { outputOf, withoutMedia } from "./outputs.ts";
import type { Run } from "./run-queue.ts";
import { SAMPLE, sampleBytes } from "../shared/samples.ts";
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
  const output = outputOf({
    kind: endpoint?.output ?? "video",
    input: run.input,
    fileUrl: (name) => `${run.script.media === "foreign" ? settings.foreignMediaOrigin : url}/files/${run.id}/${name}`,
    videoBytes: declaredBytes(run),
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

function declaredBytes(run: Run): number {
  return run.script.media === "oversized" ? SAMPLE.bytes.mp4 : sampleBytes("mp4", run.script.mediaBytes);
}
