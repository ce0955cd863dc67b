import { json, type SimulatedResponse } from "../../../local/simulators/shared/http.ts";
import { OVERSIZED_BYTES, serveFile } from "../../../local/simulators/shared/files.ts";
import { SAMPLE } from "../../../local/simulators/shared/samples.ts";
import { gatewayFailure } from "../../../local/simulators/shared/http.ts";
import type { Timeline } from "../../../local/simulators/shared/timeline.ts";
import { type VeoOperation, VeoRoutes } from "../../../local/simulators/veo/routes.ts";
import { currentProcess, type OpenedAttempt } from "../runtime/process.ts";
import { BROKEN_BODY, toResponse, toSimulatedRequest } from "./provider-http.ts";

/** No server listens here. The simulator's prompt word for a foreign host needs a local address. */
const ORIGIN = "http://127.0.0.1:18002";

/** The Veo simulator in this process, and the images of the internet, which the adapter downloads. Veo has no webhooks. */
export class VeoProvider {
  readonly url = `${ORIGIN}/v1beta`;
  readonly key = "simulated-gemini-key";
  /** The status with which an outage answers every call; 0 for no outage. */
  outage = 0;
  /** The attempt of each operation. Requests to Google do not name it. */
  readonly attempts = new Map<string, OpenedAttempt>();
  readonly #routes: VeoRoutes;

  constructor(timeline: Timeline) {
    this.#routes = new VeoRoutes({
      key: this.key,
      timeline,
      origin: () => ORIGIN,
      runMs: 20_000,
      perMinute: Infinity,
    });
  }

  get operations(): readonly VeoOperation[] {
    return this.#routes.operations;
  }

  static pointOf(method: string, url: URL): string {
    if (url.origin !== ORIGIN) return "veo image";
    if (method === "POST") return "veo submit";
    return url.pathname.includes("/files/") ? "veo file" : "veo status";
  }

  async call(method: string, url: URL, init: RequestInit): Promise<Response> {
    const reply = await this.#answer(method, url, init);
    if (reply === "drop") throw new TypeError(BROKEN_BODY);
    return toResponse(reply);
  }

  /** The size of the file at an address; undefined if no operation made it. */
  fileBytes(url: URL): number | undefined {
    const id = url.pathname.match(/files\/([^/]+):download$/)?.[1];
    const operation = this.operations.find((one) => one.id === id);
    if (operation === undefined) return undefined;
    return operation.script.media === "oversized" ? OVERSIZED_BYTES : SAMPLE.bytes.mp4;
  }

  async #answer(method: string, url: URL, init: RequestInit): Promise<SimulatedResponse | "drop"> {
    const call = await toSimulatedRequest(method, url, init);
    if (url.origin !== ORIGIN) {
      return url.pathname.endsWith(".jpg") ? serveFile(call, "jpg", SAMPLE.bytes.jpg) : json(404, {});
    }
    if (this.outage !== 0 && !url.pathname.includes("/files/")) return gatewayFailure(this.outage);
    const known = this.operations.length;
    const replying = this.#routes.answer(call);
    const operation = this.operations[known];
    if (operation !== undefined) this.#note(operation);
    return await replying;
  }

  #note(operation: VeoOperation): void {
    const opened = currentProcess().opened.findLast(({ prompt }) => prompt === operation.prompt);
    if (opened === undefined) throw new Error(`${operation.name} was sent without an attempt`);
    this.attempts.set(operation.id, opened);
  }
}

/** Whether an ended operation made a video. */
export function madeVideo({ ending }: VeoOperation): boolean {
  return JSON.stringify(ending).includes('"uri"');
}
