import { type Call, json, type Reply } from "./http.ts";
import type { Run } from "../fal/run-queue.ts";
import { readSample, SAMPLE, sampleBytes, type SampleKind } from "./samples.ts";
import type { MediaFault, Settings } from "../fal/script.ts";

/** The file is this many times what the output declares. */
const OVERSIZED_FACTOR = 8;

/** Answers `GET` and `HEAD /files/{request id}/{name}`, with byte ranges; `run` is undefined for the plain samples. */
export function serveFile(
  call: Call,
  name: string,
  run: Run | undefined,
  settings: Settings,
  now: number,
): Reply {
  if (call.method !== "GET" && call.method !== "HEAD") return json(405, { detail: "Method Not Allowed" });
  if (run) run.calls.file++;
  const kind = kindOf(name);
  const fault = run?.script.media;
  if (kind === undefined || fault === "dead" || settings.filesExpired || (run && isExpired(run, now))) {
    return json(404, { detail: "File not found" });
  }
  if (fault === "private_redirect") return redirect(settings.privateRedirectTarget);
  if (fault === "redirect_loop") return redirect(`${call.path}?hop=${Number(call.query.get("hop") ?? 0) + 1}`);
  if (fault === "wrong_type") {
    return { status: 200, headers: { "content-type": "text/html" }, body: "<html><body>Not a film</body></html>" };
  }
  return content(call, kind, realBytes(kind, run), fault);
}

function content(call: Call, kind: SampleKind, total: number, fault: MediaFault | undefined): Reply {
  const headers: Record<string, string> = {
    "content-type": SAMPLE.contentTypes[kind],
    "accept-ranges": "bytes",
    "access-control-allow-origin": "*",
  };
  const asked = call.headers.get("range");
  const range = asked === null ? { start: 0, end: total } : parseRange(asked, total);
  if (range === "unsatisfiable") {
    return { status: 416, headers: { ...headers, "content-range": `bytes */${total}` }, body: "" };
  }
  const { start, end } = range ?? { start: 0, end: total };
  if (fault !== "no_length") headers["content-length"] = String(end - start);
  const isPart = asked !== null && range !== undefined;
  if (isPart) headers["content-range"] = `bytes ${start}-${end - 1}/${total}`;
  const body = fault === "truncated" || fault === "stalled"
    ? breakOff(kind, total, start, end, fault, call.closed)
    : stream(readSample(kind, total, start, end));
  return { status: isPart ? 206 : 200, headers, body };
}

async function* stream(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

/** Sends the first half, then cuts the connection or falls silent. */
async function* breakOff(
  kind: SampleKind,
  total: number,
  start: number,
  end: number,
  fault: "truncated" | "stalled",
  closed: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield* readSample(kind, total, start, start + Math.floor((end - start) / 2));
  if (fault === "truncated") throw new Error("The connection is cut on purpose");
  await new Promise((resolve) => closed.addEventListener("abort", resolve, { once: true }));
}

/** One range; undefined for what is to be ignored, as HTTP asks. */
function parseRange(header: string, total: number): { start: number; end: number } | "unsatisfiable" | undefined {
  const parts = header.match(/^bytes=(\d*)-(\d*)$/);
  const [first, last] = [parts?.[1] ?? "", parts?.[2] ?? ""];
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(total - Number(last), 0) : Number(first);
  const end = first === "" || last === "" ? total : Math.min(Number(last) + 1, total);
  if (first !== "" && last !== "" && Number(last) < Number(first)) return undefined;
  return start >= end ? "unsatisfiable" : { start, end };
}

function redirect(location: string): Reply {
  return { status: 302, headers: { location }, body: "" };
}

function kindOf(name: string): SampleKind | undefined {
  const extension = name.split(".").at(-1);
  return extension === "mp4" || extension === "jpg" || extension === "mp3" ? extension : undefined;
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
