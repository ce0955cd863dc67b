import { gatewayFailure, json, type SimulatedRequest, type SimulatedResponse } from "../shared/http.ts";
import type { JsonObject } from "../shared/json.ts";
import type { Timeline } from "../shared/timeline.ts";
import { mediaOrigin, redirect, serveOutput } from "../shared/files.ts";
import { PromptScripts } from "../shared/prompt-words.ts";
import { failureOfCall } from "../shared/script.ts";
import { answerSubmission } from "../shared/submission.ts";
import { googleError, invalidKey, quotaExceeded } from "./errors.ts";
import { type Made, madeBytes } from "../studio/studio.ts";
import { readRequest, type VeoRequest } from "./request.ts";
import { VEO_VOCABULARY, type VeoScript, videoEnding } from "./words.ts";

/** Google keeps operations and their files for two days. */
const RETENTION_MS = 2 * 24 * 3_600_000;

const MODEL = /^veo-3\.1(-fast|-lite)?-generate-preview$/;

/** An operation that was accepted. */
export interface VeoOperation extends VeoRequest {
  /** `models/…/operations/…`. */
  name: string;
  id: string;
  model: string;
  script: VeoScript;
  createdAt: number;
  endedAt: number | null;
  /** The fields of the finished operation besides its name. */
  ending: JsonObject | null;
  calls: { status: number; file: number };
  /** Null where the sample stands for its video. */
  made: Made | null;
}

/** What the answers depend on besides the operations. */
export interface VeoSettings {
  key: string;
  timeline: Timeline;
  /** The origin of the files. */
  origin: () => string;
  /** How long an operation lasts where its script does not say. */
  runMs: number;
  /** How many submissions each model accepts in a minute. */
  perMinute: number;
  /** Begins to make the video of an operation; null where the sample stands for it. */
  make?(operation: VeoOperation): Promise<Made | null> | null;
}

/** The Gemini API's part for Veo without a server: each answer shows the operations as they are now. */
export class VeoRoutes {
  readonly operations: VeoOperation[] = [];
  /** How many submissions arrived, accepted or not. */
  submissions = 0;
  readonly #byId = new Map<string, VeoOperation>();
  readonly #scripts = new PromptScripts(VEO_VOCABULARY);

  constructor(private readonly settings: VeoSettings) {}

  async answer(request: SimulatedRequest): Promise<SimulatedResponse | "drop"> {
    this.settings.timeline.advance();
    const redirected = request.path.match(/^\/download\/v1beta\/files\/([^/]+):download$/)?.[1];
    if (redirected !== undefined) {
      const operation = this.#find(redirected);
      const name = sampleName(redirected);
      return serveOutput(request, name, operation?.script, madeBytes(operation?.made, name));
    }
    const model = request.method === "POST"
      ? request.path.match(/^\/v1beta\/models\/([^/]+):predictLongRunning$/)?.[1]
      : undefined;
    if (model !== undefined) this.submissions++;
    const given = request.headers.get("x-goog-api-key");
    if (given === null) return googleError(403, "Method doesn't allow unregistered callers.");
    if (given !== this.settings.key) return invalidKey();
    if (model !== undefined) return await this.#submit(request, model);
    const file = request.path.match(/^\/v1beta\/files\/([^/]+):download$/)?.[1];
    return file === undefined ? this.#status(request.path.replace("/v1beta/", "")) : this.#download(file);
  }

  /** Ends an operation as its script says. */
  end(operation: VeoOperation, time: number): void {
    if (operation.endedAt !== null) return;
    const { id, script } = operation;
    const uri = `${mediaOrigin(this.settings.origin(), script)}/v1beta/files/${id}:download?alt=media`;
    Object.assign(operation, { endedAt: time, ending: script.ending ?? videoEnding(uri) });
  }

  #submit(request: SimulatedRequest, model: string): Promise<SimulatedResponse | "drop"> {
    if (!MODEL.test(model)) {
      const message =
        `models/${model} is not found for API version v1beta, or is not supported for predictLongRunning.`;
      return Promise.resolve(googleError(404, message));
    }
    const parsed = readRequest(request.body);
    if (typeof parsed === "string") return Promise.resolve(googleError(400, parsed));
    const { timeline, perMinute } = this.settings;
    const script = this.#scripts.take(parsed.prompt) ?? {};
    const recent = this.operations.filter((one) => one.model === model && one.createdAt > timeline.now() - 60_000);
    if (script.refusal === "bad_key") return Promise.resolve(invalidKey());
    if (script.refusal === "quota_day") return Promise.resolve(quotaExceeded("Day"));
    if (script.refusal === "quota_minute" || recent.length >= perMinute) {
      return Promise.resolve(quotaExceeded("Minute"));
    }
    return answerSubmission(script, timeline, {
      refuse: (code) => code > 500 ? gatewayFailure(code) : googleError(code, `Simulated ${code}`),
      accept: () => json(200, { name: this.#start(model, parsed, script).name }),
    });
  }

  #start(model: string, request: VeoRequest, script: VeoScript): VeoOperation {
    const id = crypto.randomUUID().replaceAll("-", "");
    const now = this.settings.timeline.now();
    const operation: VeoOperation = {
      ...request,
      name: `models/${model}/operations/${id}`,
      id,
      model,
      script,
      createdAt: now,
      endedAt: null,
      ending: null,
      calls: { status: 0, file: 0 },
      made: null,
    };
    this.operations.push(operation);
    this.#byId.set(id, operation);
    const runMs = (script.queueMs ?? 0) + (script.runMs ?? this.settings.runMs);
    if (!script.hang) this.#endLater(operation, now + runMs);
    return operation;
  }

  /** It lasts until its video is made, however long that takes. */
  #endLater(operation: VeoOperation, due: number): void {
    const { timeline, make } = this.settings;
    const making = make?.(operation) ?? null;
    timeline.at(due, async (time) => {
      if (making === null) return this.end(operation, time);
      operation.made = await making;
      this.end(operation, timeline.now());
    });
  }

  /** An operation that Google still keeps. */
  #find(id: string): VeoOperation | undefined {
    const found = this.#byId.get(id);
    const age = this.settings.timeline.now() - (found?.endedAt ?? Infinity);
    return age < RETENTION_MS ? found : undefined;
  }

  #status(name: string): SimulatedResponse {
    const operation = this.#find(name.split("/").at(-1) ?? "");
    if (operation?.name !== name || operation.script.expired) {
      return googleError(404, `Operation ${name} not found.`);
    }
    const fault = failureOfCall(operation.script.statusFault, ++operation.calls.status);
    if (fault !== undefined) return gatewayFailure(fault);
    return json(200, operation.ending === null ? { name } : { name, done: true, ...operation.ending });
  }

  #download(id: string): SimulatedResponse {
    const operation = this.#find(id);
    if (operation === undefined) return googleError(404, `File ${id} not found.`);
    operation.calls.file++;
    return redirect(`${this.settings.origin()}/download/v1beta/files/${id}:download?alt=media`);
  }
}

/** The files have no names at Google. */
function sampleName(id: string): string {
  return id === "sample-image" ? "output.jpg" : "output.mp4";
}
