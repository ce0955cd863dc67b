import { json, listen, type SimulatedRequest, type SimulatedResponse } from "../shared/http.ts";
import type { Fonts } from "./fonts.ts";

/** The local stand-in of jsdelivr's mirror of npm, for the fonts. */
export interface FontServer {
  fonts: Fonts;
  url: string;
  stop(): Promise<void>;
}

/** Serves the pinned fonts by the paths that they have at jsdelivr; each is fetched when it is first asked for. */
export async function startFontServer(fonts: Fonts): Promise<FontServer> {
  const server = await listen(0, (request) => answer(request, fonts));
  return { fonts, url: `http://127.0.0.1:${server.port}`, stop: () => server.close() };
}

async function answer({ method, path }: SimulatedRequest, fonts: Fonts): Promise<SimulatedResponse> {
  const font = path.startsWith("/npm/") && method === "GET" ? await fonts.read(path.slice("/npm/".length)) : null;
  if (font === null) return json(404, { detail: "No such font" });
  return {
    status: 200,
    headers: { "content-type": "font/ttf", "content-length": String(font.length) },
    body: once(font),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
