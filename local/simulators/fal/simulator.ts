import { adminRoute } from "./admin.ts";
import { answerOf, billableUnits } from "./answers.ts";
import { serveRunFile } from "./files.ts";
import { type Call, gatewayFailure, json, listen, type Reply } from "../shared/http.ts";
import { requestRoute } from "./request-routes.ts";
import { type Run, RunQueue } from "./run-queue.ts";
import { Scripts } from "./scripts.ts";
import { WebhookKeys } from "./signing.ts";
import { defaultSettings, type Simulation } from "./simulation.ts";
import { submit, unauthorized } from "./submit.ts";
import { Timeline } from "../shared/timeline.ts";
import type { FalSimulator, FalSimulatorOptions } from "./types.ts";
import { Webhooks } from "./webhooks.ts";

export type { JsonObject } from "../shared/json.ts";
export type { OutcomeName } from "./outcomes.ts";
export type {
  CustomOutcome,
  Match,
  MediaFault,
  Outcome,
  Script,
  Settings,
  SettingsChanges,
  SubmitFault,
  WebhookContent,
  WebhookScript,
} from "./script.ts";
export type { DeliverOptions, FalSimulator, FalSimulatorOptions, SubmittedRequest, WebhookDelivery } from "./types.ts";

/** Starts a server that speaks fal.ai's queue protocol, sends its webhooks and serves its files. */
export async function startFalSimulator(options: FalSimulatorOptions = {}): Promise<FalSimulator> {
  const timeline = new Timeline(options.now ?? Date.now);
  const keys = await WebhookKeys.create();
  const started = {
    queueMs: options.queueMs ?? 600,
    runMs: options.runMs ?? 3000,
    concurrency: options.concurrency ?? 2,
    anyModel: options.anyModel ?? false,
  };
  const settings = () => simulation.settings;
  const webhooks = new Webhooks(timeline, keys, settings, foreseenAnswer);
  const queue = new RunQueue(timeline, settings, {
    answerOf: (run, outcome) => answerOf(run, outcome, settings(), simulation.url),
    started: (run, time) => webhooks.started(run, time),
    ended(run, time) {
      run.billableUnits = billableUnits(run);
      webhooks.ended(run, time);
    },
  });
  const server = await listen(options.port ?? 0, (call) => route(simulator, simulation, call));
  const url = `http://127.0.0.1:${server.port}`;
  const simulation: Simulation = {
    url,
    key: options.key ?? "simulated-key-id:simulated-key-secret",
    settings: defaultSettings(server.port, started),
    timeline,
    queue,
    scripts: new Scripts(),
    webhooks,
    keys,
    submissions: 0,
    jwksFetches: 0,
  };

  /** A webhook sent by hand may come before the end of its run. */
  function foreseenAnswer(run: Run) {
    const outcome = run.script.outcome ?? "ok";
    const answer = run.answer ?? answerOf(run, outcome === "hang" ? "ok" : outcome, settings(), url);
    if (answer === null) throw new Error(`Request ${run.id} never ends`);
    return answer;
  }

  function find(requestId: string): Run {
    timeline.advance();
    const run = queue.find(requestId);
    if (run === undefined) throw new Error(`No request ${requestId}`);
    return run;
  }

  const simulator: FalSimulator = {
    url,
    key: simulation.key,
    jwksUrl: `${url}/.well-known/jwks.json`,
    get requests() {
      timeline.advance();
      return queue.runs;
    },
    get submissions() {
      return simulation.submissions;
    },
    get jwksFetches() {
      return simulation.jwksFetches;
    },
    configure(changes) {
      timeline.advance();
      Object.assign(
        simulation.settings,
        Object.fromEntries(Object.entries(changes).filter(([, to]) => to !== undefined)),
      );
      queue.startWaiting(timeline.now());
    },
    script: (match, script) => simulation.scripts.add(match, script),
    finish(requestId) {
      const run = find(requestId);
      const outcome = run.script.outcome ?? "ok";
      queue.end(run, outcome === "hang" ? "ok" : outcome, timeline.now());
    },
    fail: (requestId, outcome) => queue.end(find(requestId), outcome, timeline.now()),
    rotateKeys: ({ keepOld = false } = {}) => keys.rotate(keepOld),
    deliverWebhook: async (requestId, deliverOptions = {}) => await webhooks.deliver(find(requestId), deliverOptions),
    async tick() {
      do timeline.advance(); while (await webhooks.settled());
    },
    clear() {
      timeline.clear();
      queue.clear();
      simulation.scripts.clear();
      Object.assign(simulation, { settings: defaultSettings(server.port, started), submissions: 0, jwksFetches: 0 });
    },
    async stop() {
      timeline.stop();
      webhooks.stop();
      await server.close();
      await webhooks.settled();
    },
  };
  return simulator;
}

async function route(simulator: FalSimulator, simulation: Simulation, call: Call): Promise<Reply | "drop"> {
  const { settings, timeline, queue } = simulation;
  timeline.advance();
  if (call.path.startsWith("/_simulator/")) return await adminRoute(simulator, call);
  if (call.path === "/.well-known/jwks.json") {
    simulation.jwksFetches++;
    return settings.jwksDown ? gatewayFailure(503) : json(200, simulation.keys.jwks());
  }
  const file = call.path.match(/^\/files\/([^/]+)\/([^/]+)$/);
  if (file !== null) {
    const [, id = "", name = ""] = file;
    const run = queue.find(id);
    if (run === undefined && id !== "sample") return json(404, { detail: "File not found" });
    return serveRunFile(call, name, run, settings, timeline.now());
  }
  return await queueRoute(simulation, call);
}

async function queueRoute(simulation: Simulation, call: Call): Promise<Reply | "drop"> {
  const { settings, timeline } = simulation;
  const request = call.path.match(/^\/(.+)\/requests\/(.+)$/);
  if (request === null && call.method === "POST") simulation.submissions++;
  await timeline.wait(settings.latencyMs);
  if (settings.outage !== 0) return gatewayFailure(settings.outage);
  const authorization = call.headers.get("authorization");
  if (settings.revoked || authorization !== `Key ${simulation.key}`) {
    return unauthorized(authorization !== null, request?.[1] ?? call.path.slice(1));
  }
  if (request !== null) return requestRoute(simulation, call, request[1] ?? "", request[2] ?? "");
  return call.method === "POST" ? await submit(simulation, call) : json(405, { detail: "Method Not Allowed" });
}
