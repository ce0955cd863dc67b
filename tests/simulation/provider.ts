import { answerOf, billableUnits } from "../../local/fal-simulator/answers.ts";
import { serveFile } from "../../local/fal-simulator/files.ts";
import { type Call, json, type Reply } from "../../local/fal-simulator/http.ts";
import { requestRoute } from "../../local/fal-simulator/request-routes.ts";
import { type Run, RunQueue } from "../../local/fal-simulator/run-queue.ts";
import { Scripts } from "../../local/fal-simulator/scripts.ts";
import { WebhookKeys } from "../../local/fal-simulator/signing.ts";
import { defaultSettings, type Simulation } from "../../local/fal-simulator/simulation.ts";
import { gatewayFailure, submit, unauthorized } from "../../local/fal-simulator/submit.ts";
import { Timeline } from "../../local/fal-simulator/timeline.ts";
import { Webhooks } from "../../local/fal-simulator/webhooks.ts";
import { BROKEN_BODY, toCall, toResponse } from "./provider-http.ts";

const URL_OF_FAL = "http://fal.simulated";

/** What a run's end, or a submission, sets off outside of fal. */
export interface ProviderEvents {
  ended(run: Run): void;
  /** The submission was taken and its answer has not been sent yet. */
  accepted(run: Run): Promise<void>;
}

/**
 * The fal simulator within this process: the same parts as `startFalSimulator`, called without HTTP, so that a run is fast
 * and can be replayed. It sends no webhooks: the driver does, in whatever order.
 */
export class Provider {
  readonly simulation: Simulation;
  readonly url = URL_OF_FAL;
  readonly jwksUrl = `${URL_OF_FAL}/.well-known/jwks.json`;

  private constructor(now: () => number, keys: WebhookKeys, private readonly events: ProviderEvents) {
    const timeline = new Timeline(now);
    const settings = () => simulation.settings;
    const queue = new RunQueue(timeline, settings, {
      answerOf: (run, outcome) => answerOf(run, outcome, settings(), URL_OF_FAL),
      started: () => {},
      ended(run) {
        run.billableUnits = billableUnits(run);
        events.ended(run);
      },
    });
    const simulation: Simulation = {
      url: URL_OF_FAL,
      key: "simulated-key",
      settings: {
        ...defaultSettings(1, { queueMs: 2_000, runMs: 20_000, concurrency: 1_000_000 }),
        webhooks: false,
      },
      timeline,
      queue,
      scripts: new Scripts(),
      webhooks: new Webhooks(timeline, keys, settings, () => ({ status: 200, headers: {}, body: {} })),
      keys,
      submissions: 0,
      jwksFetches: 0,
    };
    this.simulation = simulation;
  }

  static async create(now: () => number, events: ProviderEvents): Promise<Provider> {
    return new Provider(now, await WebhookKeys.create(), events);
  }

  get runs(): readonly Run[] {
    return this.simulation.queue.runs;
  }

  /** The name of the fault point that a request is. */
  static pointOf(method: string, url: URL): string {
    if (url.pathname.startsWith("/files/")) return "provider file";
    if (url.pathname.startsWith("/.well-known/")) return "provider keys";
    if (method === "PUT") return "provider cancel";
    if (method === "POST") return "provider submit";
    return url.pathname.endsWith("/status") ? "provider status" : "provider result";
  }

  async call(method: string, url: URL, init: RequestInit): Promise<Response> {
    const known = this.runs.length;
    const reply = await this.#route(await toCall(method, url, init));
    const run = this.runs[known];
    // Before the answer goes out: a webhook may overtake it.
    if (method === "POST" && run?.script.webhook?.beforeAnswer) await this.events.accepted(run);
    if (reply === "drop") throw new TypeError(BROKEN_BODY);
    return toResponse(reply);
  }

  async #route(call: Call): Promise<Reply | "drop"> {
    const { settings, timeline, keys, queue } = this.simulation;
    timeline.advance();
    if (call.path.startsWith("/.well-known/")) {
      return settings.jwksDown ? gatewayFailure(503) : json(200, keys.jwks());
    }
    const [, folder, id = "", name = ""] = call.path.split("/");
    if (folder === "files") return serveFile(call, name, queue.find(id), settings, timeline.now());

    const request = call.path.match(/^\/(.+)\/requests\/(.+)$/);
    if (request === null) this.simulation.submissions++;
    if (settings.outage !== 0) return gatewayFailure(settings.outage);
    if (settings.revoked) return unauthorized(true, call.path.slice(1));
    return request === null
      ? await submit(this.simulation, call)
      : requestRoute(this.simulation, call, request[1] ?? "", request[2] ?? "");
  }
}
