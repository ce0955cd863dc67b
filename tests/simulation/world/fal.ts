import { answerOf, billableUnits } from "../../../local/simulators/fal/answers.ts";
import { serveRunFile } from "../../../local/simulators/fal/files.ts";
import { OVERSIZED_BYTES } from "../../../local/simulators/shared/files.ts";
import {
  gatewayFailure,
  json,
  type SimulatedRequest,
  type SimulatedResponse,
} from "../../../local/simulators/shared/http.ts";
import { requestRoute } from "../../../local/simulators/fal/request-routes.ts";
import { type Run, RunQueue } from "../../../local/simulators/fal/run-queue.ts";
import { SAMPLE, sampleBytes } from "../../../local/simulators/shared/samples.ts";
import { Scripts } from "../../../local/simulators/fal/scripts.ts";
import { WebhookKeys } from "../../../local/simulators/fal/signing.ts";
import { defaultSettings, type Simulation } from "../../../local/simulators/fal/simulation.ts";
import { submit, unauthorized } from "../../../local/simulators/fal/submit.ts";
import type { Timeline } from "../../../local/simulators/shared/timeline.ts";
import { Webhooks } from "../../../local/simulators/fal/webhooks.ts";
import { z } from "zod";
import { currentProcess } from "../runtime/process.ts";
import { BROKEN_BODY, toResponse, toSimulatedRequest } from "./provider-http.ts";
import { checkStepInput } from "../model/step-inputs.ts";
import { randomPromptWordsOfStep } from "../faults/prompt-words.ts";

const URL_OF_FAL = "http://fal.simulated";

/** A receiver fetches the keys at most once a minute. */
const KEYS_CHANGED_MS = 2 * 60_000;

/**
 * The fal simulator in this process: the same parts as in `startFalSimulator`, called without HTTP, so that a run is fast
 * and can be replayed. It sends no webhooks: the workload does, in a random order.
 */
export class FalProvider {
  readonly simulation: Simulation;
  /** Called for each run that ends. */
  onEnded: (run: Run) => void = () => {};
  /** Called for an accepted run before its submission is answered, if its script says so. */
  onAccepted: (run: Run) => Promise<void> = () => Promise.resolve();
  /** Whether a provider could fetch a file from an address. */
  canFetch: (url: URL) => boolean = () => true;
  /** The first fault in the input of a step; null for none. */
  badInput: string | null = null;
  #rotatedAt = -Infinity;
  #servedAt = -Infinity;
  readonly url = URL_OF_FAL;
  readonly jwksUrl = `${URL_OF_FAL}/.well-known/jwks.json`;

  private constructor(timeline: Timeline, keys: WebhookKeys) {
    const settings = () => simulation.settings;
    const queue = new RunQueue(timeline, settings, {
      answerOf: (run, outcome) => answerOf(run, outcome, settings(), URL_OF_FAL),
      started: () => {},
      ended: (run) => {
        run.billableUnits = billableUnits(run);
        this.onEnded(run);
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

  static async create(timeline: Timeline): Promise<FalProvider> {
    return new FalProvider(timeline, await WebhookKeys.create());
  }

  get runs(): readonly Run[] {
    return this.simulation.queue.runs;
  }

  /** The size of the file at an address; undefined if no run made it. */
  fileBytes(url: URL): number | undefined {
    const [, , id = "", name = ""] = url.pathname.split("/");
    const run = this.simulation.queue.find(id);
    if (run === undefined) return undefined;
    if (name.endsWith(".jpg")) return SAMPLE.bytes.jpg;
    if (name.endsWith(".mp3")) return SAMPLE.bytes.mp3;
    return run.script.media === "oversized" ? OVERSIZED_BYTES : sampleBytes("mp4", run.script.mediaBytes);
  }

  async rotateKeys(keepOld: boolean): Promise<void> {
    await this.simulation.keys.rotate(keepOld);
    this.#rotatedAt = this.simulation.timeline.now();
  }

  /** Whether a receiver may still have only the keys from before the last rotation. */
  hasOtherKeys(): boolean {
    return this.#servedAt <= this.#rotatedAt || this.simulation.timeline.now() < this.#rotatedAt + KEYS_CHANGED_MS;
  }

  /** The name of the fault point of a request. */
  static pointOf(method: string, url: URL): string {
    if (url.pathname.startsWith("/files/")) return "provider file";
    if (url.pathname.startsWith("/.well-known/")) return "provider keys";
    if (method === "PUT") return "provider cancel";
    if (method === "POST") return "provider submit";
    return url.pathname.endsWith("/status") ? "provider status" : "provider result";
  }

  async call(method: string, url: URL, init: RequestInit): Promise<Response> {
    const call = await toSimulatedRequest(method, url, init);
    const run = this.simulation.queue.find(call.path.split("/")[2] ?? "");
    const reply = await this.#route(call, run);
    if (reply === "drop") throw new TypeError(BROKEN_BODY);
    const process = currentProcess();
    return toResponse(reply, run?.script.media === "stalled" ? () => process.stall() : undefined);
  }

  async #route(call: SimulatedRequest, ofFile: Run | undefined): Promise<SimulatedResponse | "drop"> {
    const { settings, timeline, keys } = this.simulation;
    timeline.advance();
    if (call.path.startsWith("/.well-known/")) {
      if (settings.jwksDown) return gatewayFailure(503);
      this.#servedAt = timeline.now();
      return json(200, keys.jwks());
    }
    const [, folder, , name = ""] = call.path.split("/");
    if (folder === "files") return serveRunFile(call, name, ofFile && silentlyCut(ofFile), settings, timeline.now());
    if (settings.outage !== 0) return gatewayFailure(settings.outage);
    if (settings.revoked) return unauthorized(true, call.path.slice(1));
    const request = call.path.match(/^\/(.+)\/requests\/(.+)$/);
    return request === null
      ? await this.#submit(call)
      : requestRoute(this.simulation, call, request[1] ?? "", request[2] ?? "");
  }

  async #submit(asked: SimulatedRequest): Promise<SimulatedResponse | "drop"> {
    const input = z.record(z.string(), z.unknown()).parse(JSON.parse(asked.body));
    // Noted, not thrown: the waiting submission would take an error for a network fault.
    this.badInput ??= checkStepInput(asked.path.slice(1), input, (url) => this.canFetch(url));
    const call = withFate(asked, input);
    const known = this.runs.length;
    const replying = submit(this.simulation, call);
    const run = this.runs[known];
    if (run?.script.webhook?.beforeAnswer) await this.onAccepted(run);
    return await replying;
  }
}

/** Adds random prompt words to the input of a step that has no prompt of a client. */
function withFate(call: SimulatedRequest, input: Record<string, unknown>): SimulatedRequest {
  if (typeof input.prompt === "string" && input.prompt.includes("take ")) return call;
  const prompt = `${input.prompt ?? ""} ${randomPromptWordsOfStep(currentProcess().random)}`;
  return { ...call, body: JSON.stringify({ ...input, prompt }) };
}

/** A file that stalls is simulated as a stall and then a cut file. */
function silentlyCut(run: Run): Run {
  return run.script.media === "stalled" ? { ...run, script: { ...run.script, media: "truncated" } } : run;
}
