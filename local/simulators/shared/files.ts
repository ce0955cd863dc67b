import { type Call, json, type Reply } from "./http.ts";
import { readSample, SAMPLE, type SampleKind } from "./samples.ts";

/** How the sending of a file goes wrong. */
export type SendingFault = "wrong_type" | "truncated" | "stalled" | "no_length" | "redirect_loop";

/** Which sample a file is, by its ending; undefined for none. */
export function kindOf(name: string): SampleKind | undefined {
  const extension = name.split(".").at(-1);
  return extension === "mp4" || extension === "jpg" || extension === "mp3" ? extension : undefined;
}

/** Answers `GET` and `HEAD` with so many bytes of a sample, by ranges where they are asked for. */
export function serveFile(call: Call, kind: SampleKind, total: number, fault?: SendingFault): Reply {
  if (fault === "redirect_loop") return redirect(`${call.path}?hop=${Number(call.query.get("hop") ?? 0) + 1}`);
  if (fault === "wrong_type") {
    return { status: 200, headers: { "content-type": "text/html" }, body: "<html><body>Not a film</body></html>" };
  }
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

/** A redirect without a body. */
export function redirect(location: string): Reply {
  return { status: 302, headers: { location }, body: "" };
}

/** The answer to a file that is not there. */
export function fileNotFound(): Reply {
  return json(404, { detail: "File not found" });
}
