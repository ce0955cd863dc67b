import { fileNotFound, kindOf, redirect, serveFile } from "../shared/files.ts";
import { type Call, json, type Reply } from "../shared/http.ts";
import { SAMPLE, sampleBytes, type SampleKind } from "../shared/samples.ts";
import type { Run } from "./run-queue.ts";
import type { Settings } from "./script.ts";

/** The file is this many times what the output declares. */
const OVERSIZED_FACTOR = 8;

/** Answers `GET` and `HEAD /files/{request id}/{name}`; `run` is undefined for the plain samples. */
export function serveRunFile(call: Call, name: string, run: Run | undefined, settings: Settings, now: number): Reply {
  if (call.method !== "GET" && call.method !== "HEAD") return json(405, { detail: "Method Not Allowed" });
  if (run) run.calls.file++;
  const kind = kindOf(name);
  const fault = run?.script.media;
  if (kind === undefined || fault === "dead" || settings.filesExpired || (run && isExpired(run, now))) {
    return fileNotFound();
  }
  if (fault === "private_redirect") return redirect(settings.privateRedirectTarget);
  // A foreign host and a larger file are told by the output, not by the sending.
  const sending = fault === "foreign" || fault === "oversized" ? undefined : fault;
  return serveFile(call, kind, realBytes(kind, run), sending);
}

function realBytes(kind: SampleKind, run: Run | undefined): number {
  if (run?.script.media === "oversized") return sampleBytes(kind, SAMPLE.bytes.mp4 * OVERSIZED_FACTOR);
  return sampleBytes(kind, run?.script.mediaBytes);
}

/** The caller may have asked for files that live only so long. */
function isExpired(run: Run, now: number): boolean {
  const preference = run.headers["x-fal-object-lifecycle-preference"] ?? "";
  const seconds = preference.match(/"expiration_duration_seconds"\s*:\s*(\d+)/)?.[1];
  return seconds !== undefined && run.completedAt !== null && now > run.completedAt + Number(seconds) * 1000;
}
