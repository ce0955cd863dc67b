import { parseRange } from "../../machine/byte-range.ts";
import { json, type SimulatedRequest, type SimulatedResponse } from "./http.ts";
import { readSample, SAMPLE, sampleBytes, type SampleKind } from "./samples.ts";
import type { CommonScript, MediaFault } from "./script.ts";

/** An address that no backend may fetch: the metadata service of clouds. */
const PRIVATE_ADDRESS = "http://169.254.169.254/latest/meta-data/";

/** The size of an oversized file. */
export const OVERSIZED_BYTES = SAMPLE.bytes.mp4 * 8;

/** What a script says about an output file. */
export type MediaScript = Pick<CommonScript, "media" | "mediaBytes">;

/**
 * Serves an output file, `GET` or `HEAD`, or fails as the script of its run says. It is a sample, unless the file was
 * made; null where what was made is gone.
 */
export function serveOutput(
  request: SimulatedRequest,
  name: string,
  { media, mediaBytes }: MediaScript = {},
  made?: Uint8Array | null,
): SimulatedResponse {
  if (request.method !== "GET" && request.method !== "HEAD") return json(405, { detail: "Method Not Allowed" });
  const kind = kindOf(name);
  if (kind === undefined || made === null || media === "dead") return fileNotFound();
  if (media === "private_redirect") return redirect(PRIVATE_ADDRESS);
  if (media === "redirect_loop") return redirectToItself(request);
  if (media === "wrong_type") {
    return { status: 200, headers: { "content-type": "text/html" }, body: "<html><body>Not a film</body></html>" };
  }
  const bytes = media === "oversized" ? OVERSIZED_BYTES : mediaBytes;
  return made === undefined
    ? serveFile(request, kind, sampleBytes(kind, bytes), media)
    : serveContent(request, kind, made.length, (start, end) => [made.subarray(start, end)], media);
}

/** Serves so many bytes of a sample, and the part that a `Range` header asks for. */
export function serveFile(
  request: SimulatedRequest,
  kind: SampleKind,
  total: number,
  fault?: MediaFault,
): SimulatedResponse {
  return serveContent(request, kind, total, (start, end) => readSample(kind, total, start, end), fault);
}

function serveContent(
  request: SimulatedRequest,
  kind: SampleKind,
  total: number,
  read: (start: number, end: number) => Iterable<Uint8Array>,
  fault?: MediaFault,
): SimulatedResponse {
  const headers: Record<string, string> = {
    "content-type": SAMPLE.contentTypes[kind],
    "accept-ranges": "bytes",
    "access-control-allow-origin": "*",
  };
  const range = parseRange(request.headers.get("range"), total);
  if (range === "unsatisfiable") {
    return { status: 416, headers: { ...headers, "content-range": `bytes */${total}` }, body: "" };
  }
  const { start, end } = range ?? { start: 0, end: total - 1 };
  if (fault !== "no_length") headers["content-length"] = String(end + 1 - start);
  if (range !== undefined) headers["content-range"] = `bytes ${start}-${end}/${total}`;
  const body = fault === "truncated" || fault === "stalled"
    ? breakOff(read(start, start + Math.floor((end + 1 - start) / 2)), fault, request.closed)
    : stream(read(start, end + 1));
  return { status: range === undefined ? 200 : 206, headers, body };
}

/** The origin of an output file's address: with the fault `foreign` a host that the backend does not allow. */
export function mediaOrigin(origin: string, { media }: MediaScript): string {
  return media === "foreign" ? origin.replace("127.0.0.1", "localhost") : origin;
}

/** A redirect without a body. */
export function redirect(location: string): SimulatedResponse {
  return { status: 302, headers: { location }, body: "" };
}

/** The answer for a file that does not exist. */
export function fileNotFound(): SimulatedResponse {
  return json(404, { detail: "File not found" });
}

/** The kind of a file, by its name. */
export function kindOf(name: string): SampleKind | undefined {
  const extension = name.split(".").at(-1);
  return extension === "mp4" || extension === "jpg" || extension === "mp3" ? extension : undefined;
}

function redirectToItself({ path, query }: SimulatedRequest): SimulatedResponse {
  const next = new URLSearchParams(query);
  next.set("hop", String(Number(query.get("hop") ?? 0) + 1));
  return redirect(`${path}?${next}`);
}

async function* stream(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

/** Sends the pieces, then cuts the connection or stays silent. */
async function* breakOff(
  pieces: Iterable<Uint8Array>,
  fault: "truncated" | "stalled",
  closed: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield* pieces;
  if (fault === "truncated") throw new Error("The connection is cut on purpose");
  await new Promise((resolve) => closed.addEventListener("abort", resolve, { once: true }));
}
