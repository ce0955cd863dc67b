import { SAMPLE } from "../../../local/simulators/shared/samples.ts";
import { serveOutput } from "../../../local/simulators/shared/files.ts";
import { BROKEN_BODY, toResponse, toSimulatedRequest } from "./provider-http.ts";

const ORIGIN = "https://old.example.com";

/** How the files of an imported video are: named in their address. */
export const OLD_FILES = [
  "good",
  "good",
  "good",
  "good",
  "dead",
  "wrong_type",
  "truncated",
  "private_redirect",
] as const;

/** The public storage of an earlier system, from which the worker copies the files of imported videos. */
export class EarlierSystem {
  static pointOf(): string {
    return "import file";
  }

  addressOf(fate: typeof OLD_FILES[number], name: string): string {
    return `${ORIGIN}/${fate}/${name}`;
  }

  async call(method: string, url: URL, init: RequestInit): Promise<Response> {
    const [, fate, name = ""] = url.pathname.split("/");
    const media = OLD_FILES.find((one) => one === fate);
    if (url.origin !== ORIGIN || media === undefined) throw new TypeError(BROKEN_BODY);
    const call = await toSimulatedRequest(method, url, init);
    return toResponse(serveOutput(call, name, media === "good" ? {} : { media }));
  }

  /** The size of the file at an address; undefined for another address. */
  fileBytes(url: URL): number | undefined {
    if (url.origin !== ORIGIN) return undefined;
    return url.pathname.endsWith(".jpg") ? SAMPLE.bytes.jpg : SAMPLE.bytes.mp4;
  }
}
