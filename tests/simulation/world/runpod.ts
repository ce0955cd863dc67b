import { gatewayFailure } from "../../../local/simulators/shared/http.ts";
import { SAMPLE } from "../../../local/simulators/shared/samples.ts";
import type { Timeline } from "../../../local/simulators/shared/timeline.ts";
import { RateLimits } from "../../../local/simulators/runpod/rate-limits.ts";
import { RunpodRoutes } from "../../../local/simulators/runpod/routes.ts";
import { type RunpodRun, Runs } from "../../../local/simulators/runpod/runs.ts";
import { BROKEN_BODY, toResponse, toSimulatedRequest } from "./provider-http.ts";

/** No server listens here. The simulator's prompt word for a foreign host needs a local address. */
const ORIGIN = "http://127.0.0.1:18001";

/** The RunPod simulator in this process. It sends no webhooks: the workload does. */
export class RunpodProvider {
  readonly url = `${ORIGIN}/v2`;
  readonly foreignOrigin = ORIGIN.replace("127.0.0.1", "localhost");
  readonly key = "simulated-runpod-key";
  /** The status with which an outage answers every call; 0 for no outage. */
  outage = 0;
  /** Called for each run that ends. */
  onEnded: (run: RunpodRun) => void = () => {};
  readonly #runs: Runs;
  readonly #routes: RunpodRoutes;

  constructor(timeline: Timeline) {
    const pace = { queueMs: 2_000, runMs: 20_000 };
    this.#runs = new Runs(timeline, pace, () => ORIGIN, (run) => this.onEnded(run));
    this.#routes = new RunpodRoutes(this.key, timeline, this.#runs, new RateLimits(timeline));
  }

  get runs(): readonly RunpodRun[] {
    return this.#runs.all;
  }

  static pointOf(method: string, url: URL): string {
    if (url.pathname.startsWith("/files/")) return "runpod file";
    const verb = url.pathname.split("/")[3];
    return method === "POST" ? verb === "run" ? "runpod submit" : "runpod cancel" : "runpod status";
  }

  async call(method: string, url: URL, init: RequestInit): Promise<Response> {
    const call = await toSimulatedRequest(method, url, init);
    const isFile = call.path.startsWith("/files/");
    const reply = this.outage !== 0 && !isFile ? gatewayFailure(this.outage) : await this.#routes.answer(call);
    if (reply === "drop") throw new TypeError(BROKEN_BODY);
    return toResponse(reply);
  }

  /** The size of the file at an address; undefined if no run made it. */
  fileBytes(url: URL): number | undefined {
    const [, , id, name] = url.pathname.split("/");
    if (!this.runs.some((run) => run.id === id)) return undefined;
    return name === "output.jpg" ? SAMPLE.bytes.jpg : SAMPLE.bytes.mp4;
  }
}

/** Whether an ended run made a video. */
export function madeVideo({ state, body }: RunpodRun): boolean {
  return state === "COMPLETED" && JSON.stringify(body).includes(".mp4");
}
