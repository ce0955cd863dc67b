import { type Call, gatewayFailure, json, type Reply } from "../shared/http.ts";
import type { JsonObject } from "../shared/json.ts";
import type { Timeline } from "../shared/timeline.ts";
import { statusFaultIn, type SubmitFault, submitFaultIn, submitWith } from "../shared/faults.ts";
import { redirect } from "../shared/files.ts";
import { serveSample } from "../shared/media.ts";
import { millisecondsOf, Takes, type Words, wordsIn } from "../shared/words.ts";
import { endingOf } from "./endings.ts";
import { googleError, invalidKey, quotaExceeded } from "./errors.ts";
import { readRequest, type VeoRequest } from "./request.ts";

/** Operations and their files are kept two days. */
const RETENTION_MS = 2 * 24 * 3_600_000;

const MODEL = /^veo-3\.1(-fast|-lite)?-generate-preview$/;

/** An operation that was accepted. */
export interface VeoOperation extends VeoRequest {
  /** `models/…/operations/…`. */
  name: string;
  id: string;
  model: string;
  words: Words;
  createdAt: number;
  endedAt: number | null;
  /** What the finished operation says besides its name. */
  ending: JsonObject | null;
  calls: { status: number; file: number };
}

/** What the answers depend on besides the operations. */
export interface VeoWorld {
  key: string;
  timeline: Timeline;
  /** Where the files are. */
  origin: () => string;
  /** How long an operation lasts where no word says otherwise. */
  runMs: number;
  /** Submissions that are taken in a minute, for each model. */
  perMinute: number;
}

/** The Gemini API's part for Veo without its server: each call is answered by what the operations are now. */
export class VeoRoutes {
  readonly operations: VeoOperation[] = [];
  /** How many submissions arrived, whatever was answered. */
  submissions = 0;
  /** A fault of every submission from now on. */
  everySubmission: SubmitFault | undefined;
  readonly #byId = new Map<string, VeoOperation>();
  readonly #takes = new Takes();

  constructor(private readonly world: VeoWorld) {}

  async answer(call: Call): Promise<Reply | "drop"> {
    this.world.timeline.advance();
    const redirected = call.path.match(/^\/download\/v1beta\/files\/([^/]+):download$/)?.[1];
    if (redirected !== undefined) {
      return serveSample(call, sampleName(redirected), this.#find(redirected)?.words ?? new Map());
    }
    const model = call.method === "POST"
      ? call.path.match(/^\/v1beta\/models\/([^/]+):predictLongRunning$/)?.[1]
      : undefined;
    if (model !== undefined) this.submissions++;
    const given = call.headers.get("x-goog-api-key");
    if (given === null) return googleError(403, "Method doesn't allow unregistered callers.");
    if (given !== this.world.key) return invalidKey();
    if (model !== undefined) return await this.#submit(call, model);
    const file = call.path.match(/^\/v1beta\/files\/([^/]+):download$/)?.[1];
    return file === undefined ? this.#look(call.path.replace("/v1beta/", "")) : this.#download(file);
  }

  /** Ends an operation, as its words say. */
  end(operation: VeoOperation, time: number): void {
    if (operation.endedAt !== null) return;
    const ending = endingOf(operation.words, this.world.origin(), operation.id);
    Object.assign(operation, { endedAt: time, ending });
  }

  #submit(call: Call, model: string): Promise<Reply | "drop"> {
    if (!MODEL.test(model)) {
      const message =
        `models/${model} is not found for API version v1beta, or is not supported for predictLongRunning.`;
      return Promise.resolve(googleError(404, message));
    }
    const request = readRequest(call.body);
    if (typeof request === "string") return Promise.resolve(googleError(400, request));
    const { timeline, perMinute } = this.world;
    const words = this.#takes.take(request.prompt, wordsIn(request.prompt, "veo"));
    const lately = this.operations.filter((one) => one.model === model && one.createdAt > timeline.now() - 60_000);
    if (words.has("quota_day")) return Promise.resolve(quotaExceeded("Day"));
    if (words.has("quota_minute") || lately.length >= perMinute) return Promise.resolve(quotaExceeded("Minute"));
    if (words.has("bad_key")) return Promise.resolve(invalidKey());
    return submitWith(submitFaultIn(words) ?? this.everySubmission, words, timeline, {
      refuse: (code) => code > 500 ? gatewayFailure(code) : googleError(code, `Simulated ${code}`),
      accept: () => json(200, { name: this.#start(model, request, words).name }),
    });
  }

  #start(model: string, request: VeoRequest, words: Words): VeoOperation {
    const id = crypto.randomUUID().replaceAll("-", "");
    const now = this.world.timeline.now();
    const operation: VeoOperation = {
      ...request,
      name: `models/${model}/operations/${id}`,
      id,
      model,
      words,
      createdAt: now,
      endedAt: null,
      ending: null,
      calls: { status: 0, file: 0 },
    };
    this.operations.push(operation);
    this.#byId.set(id, operation);
    const runMs = millisecondsOf(words, "queue", 0) + millisecondsOf(words, "run", this.world.runMs);
    if (!words.has("hang")) this.world.timeline.at(now + runMs, (time) => this.end(operation, time));
    return operation;
  }

  /** Not one whose two days are over. */
  #find(id: string): VeoOperation | undefined {
    const found = this.#byId.get(id);
    const age = this.world.timeline.now() - (found?.endedAt ?? Infinity);
    return age < RETENTION_MS ? found : undefined;
  }

  #look(name: string): Reply {
    const operation = this.#find(name.split("/").at(-1) ?? "");
    if (operation?.name !== name || operation.words.has("expired")) {
      return googleError(404, `Operation ${name} not found.`);
    }
    const fault = statusFaultIn(operation.words, ++operation.calls.status);
    if (fault !== undefined) return gatewayFailure(fault);
    return json(200, operation.ending === null ? { name } : { name, done: true, ...operation.ending });
  }

  #download(id: string): Reply {
    const operation = this.#find(id);
    if (operation === undefined) return googleError(404, `File ${id} not found.`);
    operation.calls.file++;
    return redirect(`${this.world.origin()}/download/v1beta/files/${id}:download?alt=media`);
  }
}

/** Files have no names at Google. */
function sampleName(id: string): string {
  return id === "sample-image" ? "output.jpg" : "output.mp4";
}
