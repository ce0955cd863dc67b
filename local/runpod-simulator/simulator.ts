import { z } from "zod";
import { type Call, json, listen, type Reply } from "../fal-simulator/http.ts";
import { gatewayFailure } from "../fal-simulator/submit.ts";
import { Timeline } from "../fal-simulator/timeline.ts";
import { statusFaultIn, type SubmitFault, submitFaultIn, submitWith } from "../provider-simulator/faults.ts";
import { serveSample } from "../provider-simulator/media.ts";
import { Takes, wordsIn } from "../provider-simulator/words.ts";
import type { EndState } from "./outcomes.ts";
import { RateLimits } from "./rate-limits.ts";
import { type RunpodRun, Runs, statusBody } from "./runs.ts";
import { Webhooks } from "./webhooks.ts";

export type { EndState } from "./outcomes.ts";
export type { RunpodRun, WebhookDelivery } from "./runs.ts";

/** How to start a simulator. */
export interface RunpodSimulatorOptions {
  /** @default a free one */
  port?: number;
  key?: string;
  /** The clock of every time decision, in ms. @default Date.now */
  now?: () => number;
  /** @default 600 */
  queueMs?: number;
  /** @default 3000 */
  runMs?: number;
  /** Requests that an endpoint takes in ten seconds. @default RunPod's */
  limits?: { run?: number; status?: number; cancel?: number };
}

/** A running simulator. */
export interface RunpodSimulator {
  /** `http://127.0.0.1:<port>/v2`. */
  readonly baseUrl: string;
  readonly key: string;
  /** What was accepted, oldest first. */
  readonly requests: readonly Readonly<RunpodRun>[];
  /** How many submissions arrived, whatever was answered. */
  readonly submissions: number;
  /** A fault of every submission from now on. */
  failSubmissions(fault: SubmitFault | undefined): void;
  /** Ends a run now: as its words say, or in another state. */
  finish(id: string, state?: EndState): void;
  /** Does all that is due on the clock and waits until the webhooks under way are answered. */
  tick(): Promise<void>;
  stop(): Promise<void>;
}

const requestSchema = z.object({
  input: z.record(z.string(), z.json()),
  webhook: z.url().optional(),
  // The documented bounds, in milliseconds.
  policy: z.object({
    executionTimeout: z.number().min(5000).max(604_800_000).optional(),
    ttl: z.number().min(10_000).max(604_800_000).optional(),
  }).default({}),
});

/** Starts a server that speaks RunPod's queue API, runs nothing, sends its webhooks and serves the files of its handler. */
export async function startRunpodSimulator(options: RunpodSimulatorOptions = {}): Promise<RunpodSimulator> {
  const key = options.key ?? "simulated-runpod-key";
  const timeline = new Timeline(options.now ?? Date.now);
  const takes = new Takes();
  const limits = new RateLimits(timeline, options.limits);
  const webhooks = new Webhooks(timeline);
  const pace = { queueMs: options.queueMs ?? 600, runMs: options.runMs ?? 3000 };
  const server = await listen(options.port ?? 0, route);
  const origin = `http://127.0.0.1:${server.port}`;
  const runs = new Runs(timeline, pace, () => origin, (run) => webhooks.send(run));
  let submissions = 0;
  let everySubmission: SubmitFault | undefined;

  async function route(call: Call): Promise<Reply | "drop"> {
    timeline.advance();
    const [, area = "", first = "", verb = "", id = ""] = call.path.split("/");
    if (area === "files") return file(call, first, verb);
    const isRun = `${call.method} ${area} ${verb}` === "POST v2 run";
    if (isRun) submissions++;
    if (call.headers.get("authorization") !== `Bearer ${key}`) return json(401, { error: "Unauthorized" });
    if (!limits.take(first, verb)) return json(429, { error: "Too many requests" });
    return isRun ? await run(call, first) : about(call, verb, id);
  }

  function run(call: Call, endpoint: string): Promise<Reply | "drop"> {
    const request = requestSchema.safeParse(parse(call.body)).data;
    if (request === undefined) return Promise.resolve(json(400, { error: "input is required and must be an object" }));
    const { input, webhook = null, policy } = request;
    const prompt = String(input.positive_prompt ?? input.prompt ?? "");
    const words = takes.take(prompt, wordsIn(prompt, "runpod"));
    return submitWith(submitFaultIn(words) ?? everySubmission, words, timeline, {
      refuse: (code) => code > 500 ? gatewayFailure(code) : json(code, { error: `Simulated ${code}` }),
      accept() {
        const accepted = runs.add({
          endpoint,
          input,
          webhook,
          words,
          policy: Object.fromEntries(Object.entries(policy).filter(([, milliseconds]) => milliseconds !== undefined)),
        });
        return json(200, { id: accepted.id, status: "IN_QUEUE" });
      },
    });
  }

  function about(call: Call, verb: string, id: string): Reply {
    const found = runs.find(id);
    const action = `${call.method} ${verb}`;
    if (action !== "GET status" && action !== "POST cancel") return json(404, { message: "Not Found" });
    if (found === undefined) return json(404, { error: "job not found" });
    if (action === "POST cancel") return cancel(found);
    const fault = statusFaultIn(found.words, ++found.calls.status);
    return fault === undefined ? json(200, statusBody(found)) : gatewayFailure(fault);
  }

  function cancel(found: RunpodRun): Reply {
    found.calls.cancel++;
    if (!found.words.has("cancel_ignored")) runs.end(found, "CANCELLED");
    return json(200, { id: found.id, status: found.state });
  }

  function file(call: Call, id: string, name: string): Reply {
    const found = runs.all.find((one) => one.id === id);
    if (found) found.calls.file++;
    return serveSample(call, name, found?.words ?? new Map());
  }

  return {
    baseUrl: `${origin}/v2`,
    key,
    get requests() {
      timeline.advance();
      return runs.all;
    },
    get submissions() {
      return submissions;
    },
    failSubmissions: (fault) => everySubmission = fault,
    finish(id, state) {
      timeline.advance();
      const found = runs.find(id);
      if (found === undefined) throw new Error(`No run ${id}`);
      runs.end(found, state);
    },
    async tick() {
      do timeline.advance(); while (await webhooks.settled());
    },
    async stop() {
      timeline.stop();
      webhooks.stop();
      await server.close();
      await webhooks.settled();
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
