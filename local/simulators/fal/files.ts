import { fileNotFound, serveOutput } from "../shared/files.ts";
import type { SimulatedRequest, SimulatedResponse } from "../shared/http.ts";
import { madeBytes } from "../studio/studio.ts";
import type { Run } from "./run-queue.ts";
import type { Settings } from "./script.ts";

/** Answers `GET` and `HEAD /files/{request id}/{name}`; `run` is undefined for the plain samples. */
export function serveRunFile(
  request: SimulatedRequest,
  name: string,
  run: Run | undefined,
  settings: Settings,
  now: number,
): SimulatedResponse {
  if (run) run.calls.file++;
  if (settings.filesExpired || (run && isExpired(run, now))) return fileNotFound();
  return serveOutput(request, name, run?.script, madeBytes(run?.output?.made, name));
}

/** A caller may have asked for files that expire. */
function isExpired(run: Run, now: number): boolean {
  const preference = run.headers["x-fal-object-lifecycle-preference"] ?? "";
  const seconds = preference.match(/"expiration_duration_seconds"\s*:\s*(\d+)/)?.[1];
  return seconds !== undefined && run.completedAt !== null && now > run.completedAt + Number(seconds) * 1000;
}
