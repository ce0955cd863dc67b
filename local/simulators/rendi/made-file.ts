import { parseRange } from "../../machine/byte-range.ts";
import { json, type SimulatedRequest, type SimulatedResponse } from "../shared/http.ts";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  mp4: "video/mp4",
  jpg: "image/jpeg",
  m4a: "audio/mp4",
  mkv: "video/x-matroska",
};

/** Serves a file that was really made, and the part that a `Range` header asks for. */
export function serveMade(
  request: SimulatedRequest,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): SimulatedResponse {
  if (request.method !== "GET" && request.method !== "HEAD") return json(405, { detail: "Method Not Allowed" });
  const headers = {
    "content-type": CONTENT_TYPES[name.split(".").at(-1) ?? ""] ?? "application/octet-stream",
    "accept-ranges": "bytes",
  };
  const range = parseRange(request.headers.get("range"), bytes.length);
  if (range === "unsatisfiable") {
    return { status: 416, headers: { ...headers, "content-range": `bytes */${bytes.length}` }, body: "" };
  }
  const { start, end } = range ?? { start: 0, end: bytes.length - 1 };
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...headers,
      "content-length": String(end + 1 - start),
      ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end}/${bytes.length}` }),
    },
    body: once(bytes.subarray(start, end + 1)),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
