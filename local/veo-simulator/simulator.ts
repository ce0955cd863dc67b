import { type Call, json, listen, type Reply } from "../fal-simulator/http.ts";
import type { JsonObject } from "../fal-simulator/json.ts";
import { gatewayFailure } from "../fal-simulator/submit.ts";
import { Timeline } from "../fal-simulator/timeline.ts";
import { statusFaultIn, type SubmitFault, submitFaultIn, submitWith } from "../provider-simulator/faults.ts";
import { redirect, serveSample } from "../provider-simulator/media.ts";
import { millisecondsOf, Takes, type Words, wordsIn } from "../provider-simulator/words.ts";
import { endingOf } from "./endings.ts";
import { googleError, invalidKey, quotaExceeded } from "./errors.ts";
import { readRequest, type VeoRequest } from "./request.ts";

/** Operations and their files are kept two days. */
const RETENTION_MS = 2 * 24 * 3_600_000;

/** Preview models take this many submissions a minute. */
const SUBMISSIONS_A_MINUTE = 10;

const MODEL = /^veo-3\.1(-fast|-lite)?-generate-preview$/;

/** How to start a simulator. */
export interface VeoSimulatorOptions {
  /** @default a free one */
  port?: number;
  key?: string;
  /** The clock of every time decision, in ms. @default Date.now */
  now?: () => number;
  /** How long an operation lasts; Google tells no queue. @default 3000 */
  runMs?: number;
  /** Submissions that are taken in a minute, for each model. @default no limit; Google's is 10 for a preview model */
  submissionsPerMinute?: number | "documented";
}

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

/** A running simulator. */
export interface VeoSimulator {
  /** `http://127.0.0.1:<port>/v1beta`. */
  readonly baseUrl: string;
  readonly key: string;
  /** What was accepted, oldest first. */
  readonly operations: readonly Readonly<VeoOperation>[];
  /** How many submissions arrived, whatever was answered. */
  readonly submissions: number;
  /** A fault of every submission from now on. */
  failSubmissions(fault: SubmitFault | undefined): void;
  /** Ends an operation now, as its words say. */
  finish(name: string): void;
  /** Does all that is due on the clock. */
  tick(): void;
  stop(): Promise<void>;
}

/** Starts a server that speaks the Gemini API's part for Veo: submissions, operations, downloads. It runs nothing. */
export async function startVeoSimulator(options: VeoSimulatorOptions = {}): Promise<VeoSimulator> {
  const key = options.key ?? "simulated-gemini-key";
  const timeline = new Timeline(options.now ?? Date.now);
  const takes = new Takes();
  const operations: VeoOperation[] = [];
  const server = await listen(options.port ?? 0, route);
  const origin = `http://127.0.0.1:${server.port}`;
  const perMinute = options.submissionsPerMinute === "documented"
    ? SUBMISSIONS_A_MINUTE
    : options.submissionsPerMinute ?? Infinity;
  let submissions = 0;
  let everySubmission: SubmitFault | undefined;

  async function route(call: Call): Promise<Reply | "drop"> {
    timeline.advance();
    const redirected = call.path.match(/^\/download\/v1beta\/files\/([^/]+):download$/)?.[1];
    if (redirected !== undefined) {
      return serveSample(call, sampleName(redirected), find(redirected)?.words ?? new Map());
    }
    const model = call.method === "POST"
      ? call.path.match(/^\/v1beta\/models\/([^/]+):predictLongRunning$/)?.[1]
      : undefined;
    if (model !== undefined) submissions++;
    const given = call.headers.get("x-goog-api-key");
    if (given === null) return googleError(403, "Method doesn't allow unregistered callers.");
    if (given !== key) return invalidKey();
    if (model !== undefined) return await submit(call, model);
    const file = call.path.match(/^\/v1beta\/files\/([^/]+):download$/)?.[1];
    return file === undefined ? look(call.path.replace("/v1beta/", "")) : download(file);
  }

  function submit(call: Call, model: string): Promise<Reply | "drop"> {
    if (!MODEL.test(model)) {
      const message =
        `models/${model} is not found for API version v1beta, or is not supported for predictLongRunning.`;
      return Promise.resolve(googleError(404, message));
    }
    const request = readRequest(call.body);
    if (typeof request === "string") return Promise.resolve(googleError(400, request));
    const words = takes.take(request.prompt, wordsIn(request.prompt, "veo"));
    const lately = operations.filter((one) => one.model === model && one.createdAt > timeline.now() - 60_000);
    if (words.has("quota_day")) return Promise.resolve(quotaExceeded("Day"));
    if (words.has("quota_minute") || lately.length >= perMinute) return Promise.resolve(quotaExceeded("Minute"));
    if (words.has("bad_key")) return Promise.resolve(invalidKey());
    return submitWith(submitFaultIn(words) ?? everySubmission, words, timeline, {
      refuse: (code) => code > 500 ? gatewayFailure(code) : googleError(code, `Simulated ${code}`),
      accept: () => json(200, { name: start(model, request, words).name }),
    });
  }

  function start(model: string, request: VeoRequest, words: Words): VeoOperation {
    const id = crypto.randomUUID().replaceAll("-", "");
    const now = timeline.now();
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
    operations.push(operation);
    const runMs = millisecondsOf(words, "queue", 0) + millisecondsOf(words, "run", options.runMs ?? 3000);
    if (!words.has("hang")) timeline.at(now + runMs, (time) => end(operation, time));
    return operation;
  }

  function end(operation: VeoOperation, time: number): void {
    if (operation.endedAt !== null) return;
    Object.assign(operation, { endedAt: time, ending: endingOf(operation.words, origin, operation.id) });
  }

  /** Not one whose two days are over. */
  function find(id: string): VeoOperation | undefined {
    return operations.find((one) => one.id === id && timeline.now() - (one.endedAt ?? Infinity) < RETENTION_MS);
  }

  function look(name: string): Reply {
    const operation = find(name.split("/").at(-1) ?? "");
    if (operation?.name !== name || operation.words.has("expired")) {
      return googleError(404, `Operation ${name} not found.`);
    }
    const fault = statusFaultIn(operation.words, ++operation.calls.status);
    if (fault !== undefined) return gatewayFailure(fault);
    return json(200, operation.ending === null ? { name } : { name, done: true, ...operation.ending });
  }

  function download(id: string): Reply {
    const operation = find(id);
    if (operation === undefined) return googleError(404, `File ${id} not found.`);
    operation.calls.file++;
    return redirect(`${origin}/download/v1beta/files/${id}:download?alt=media`);
  }

  return {
    baseUrl: `${origin}/v1beta`,
    key,
    get operations() {
      timeline.advance();
      return operations;
    },
    get submissions() {
      return submissions;
    },
    failSubmissions: (fault) => everySubmission = fault,
    finish(name) {
      const operation = operations.find((one) => one.name === name);
      if (operation === undefined) throw new Error(`No operation ${name}`);
      end(operation, timeline.now());
    },
    tick: () => timeline.advance(),
    async stop() {
      timeline.stop();
      await server.close();
    },
  };
}

/** Files have no names at Google. */
function sampleName(id: string): string {
  return id === "sample-image" ? "output.jpg" : "output.mp4";
}
