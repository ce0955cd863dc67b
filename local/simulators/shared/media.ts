import { fileNotFound, kindOf, redirect, serveFile } from "./files.ts";
import { type Call, json, type Reply } from "./http.ts";
import { sampleBytes } from "./samples.ts";
import type { Words } from "./words.ts";

const PRIVATE_ADDRESS = "http://169.254.169.254/latest/meta-data/";

/** Serves the sample whose name is given, with byte ranges, or what the words of its run make of it. */
export function serveSample(call: Call, name: string, words: Words): Reply {
  if (words.has("media_dead")) return json(404, { error: "File not found" });
  if (words.has("media_private_redirect")) return redirect(PRIVATE_ADDRESS);
  if (words.has("media_redirect_loop")) {
    return redirect(`${call.path}?alt=media&hop=${Number(call.query.get("hop") ?? 0) + 1}`);
  }
  if (call.method !== "GET" && call.method !== "HEAD") return json(405, { error: "Method Not Allowed" });
  const kind = kindOf(name);
  return kind === undefined ? fileNotFound() : serveFile(call, kind, sampleBytes(kind));
}

/** Where a file is: with `media_foreign` on a host that nobody allowed. */
export function originOf(origin: string, words: Words): string {
  return words.has("media_foreign") ? origin.replace("127.0.0.1", "localhost") : origin;
}
