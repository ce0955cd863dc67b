import { listen } from "../shared/http.ts";
import { Timeline } from "../shared/timeline.ts";
import { answerOf, billableUnits } from "./answers.ts";
import { makeOutput } from "./making.ts";
import type { ModelAnswer } from "./outcomes.ts";
import { route } from "./routes.ts";
import { type Run, RunQueue } from "./run-queue.ts";
import type { Match, Outcome, Script, SettingsChanges } from "./script.ts";
import { Scripts } from "./scripts.ts";
import { WebhookKeys } from "./signing.ts";
import { defaultSettings, type Simulation } from "./simulation.ts";
import type { DeliverOptions, FalSimulator, FalSimulatorOptions, SubmittedRequest, WebhookDelivery } from "./types.ts";
import { Webhooks } from "./webhooks.ts";

export type { JsonObject } from "../shared/json.ts";
export type { OutcomeName } from "./outcomes.ts";
export type {
  CustomOutcome,
  Match,
  Outcome,
  Script,
  Settings,
  SettingsChanges,
  WebhookContent,
  WebhookScript,
} from "./script.ts";
export type { DeliverOptions, FalSimulator, FalSimulatorOptions, SubmittedRequest, WebhookDelivery } from "./types.ts";

/** Starts a server that speaks fal.ai's queue protocol, sends its webhooks and serves its files. */
export async function startFalSimulator(options: FalSimulatorOptions = {}): Promise<FalSimulator> {
  const keys = await WebhookKeys.create();
  const server = await listen(options.port ?? 0, (request) => route(simulator, simulator.simulation, request));
  const simulator = new RunningSimulator(server, keys, options);
  return simulator;
}

class RunningSimulator implements FalSimulator {
  readonly url: string;
  readonly jwksUrl: string;
  readonly key: string;
  readonly simulation: Simulation;

  constructor(
    private readonly server: { port: number; close(): Promise<void> },
    private readonly signingKeys: WebhookKeys,
    private readonly options: FalSimulatorOptions,
  ) {
    this.url = `http://127.0.0.1:${server.port}`;
    this.jwksUrl = `${this.url}/.well-known/jwks.json`;
    this.key = options.key ?? "simulated-key-id:simulated-key-secret";
    const timeline = new Timeline(options.now ?? Date.now);
    const settings = () => this.simulation.settings;
    const webhooks = new Webhooks(timeline, signingKeys, settings, (run) => this.#foreseenAnswer(run));
    const queue = new RunQueue(timeline, settings, {
      answerOf: (run, outcome) => answerOf(run, outcome, settings(), this.url),
      make: (run) => makeOutput(run, settings(), options.studio),
      started: (run, time) => webhooks.started(run, time),
      ended(run, time) {
        run.billableUnits = billableUnits(run);
        webhooks.ended(run, time);
      },
    });
    this.simulation = {
      url: this.url,
      key: this.key,
      timeline,
      queue,
      webhooks,
      settings: this.#firstSettings(),
      scripts: new Scripts(),
      keys: signingKeys,
      submissions: 0,
      jwksFetches: 0,
    };
  }

  get requests(): readonly SubmittedRequest[] {
    this.simulation.timeline.advance();
    return this.simulation.queue.runs;
  }

  get submissions(): number {
    return this.simulation.submissions;
  }

  get jwksFetches(): number {
    return this.simulation.jwksFetches;
  }

  configure(changes: SettingsChanges): void {
    const { timeline, settings, queue } = this.simulation;
    timeline.advance();
    Object.assign(settings, Object.fromEntries(Object.entries(changes).filter(([, to]) => to !== undefined)));
    queue.startWaiting(timeline.now());
  }

  script(match: Match, script: Script): void {
    this.simulation.scripts.add(match, script);
  }

  finish(requestId: string): void {
    const run = this.#find(requestId);
    this.simulation.queue.end(run, outcomeByHand(run), this.simulation.timeline.now());
  }

  fail(requestId: string, outcome: Outcome): void {
    this.simulation.queue.end(this.#find(requestId), outcome, this.simulation.timeline.now());
  }

  rotateKeys({ keepOld = false }: { keepOld?: boolean } = {}): Promise<void> {
    return this.signingKeys.rotate(keepOld);
  }

  async deliverWebhook(requestId: string, options: DeliverOptions = {}): Promise<WebhookDelivery[]> {
    return await this.simulation.webhooks.deliver(this.#find(requestId), options);
  }

  async tick(): Promise<void> {
    const { timeline, webhooks } = this.simulation;
    do timeline.advance(); while (await webhooks.sender.settled());
  }

  clear(): void {
    const { timeline, queue, scripts } = this.simulation;
    timeline.clear();
    queue.clear();
    scripts.clear();
    Object.assign(this.simulation, { settings: this.#firstSettings(), submissions: 0, jwksFetches: 0 });
  }

  async stop(): Promise<void> {
    const { timeline, webhooks } = this.simulation;
    timeline.stop();
    webhooks.sender.stop();
    await this.server.close();
    await webhooks.sender.settled();
  }

  #firstSettings(): Simulation["settings"] {
    const { queueMs = 600, runMs = 3000, concurrency = 2, anyModel = false } = this.options;
    return defaultSettings(this.server.port, { queueMs, runMs, concurrency, anyModel });
  }

  /** The answer that the webhook of a run carries: a test can send it before the run has ended. */
  #foreseenAnswer(run: Run): ModelAnswer {
    const answer = run.answer ?? answerOf(run, outcomeByHand(run), this.simulation.settings, this.url);
    if (answer === null) throw new Error(`Request ${run.id} never ends`);
    return answer;
  }

  #find(requestId: string): Run {
    this.simulation.timeline.advance();
    const run = this.simulation.queue.find(requestId);
    if (run === undefined) throw new Error(`No request ${requestId}`);
    return run;
  }
}

/** The outcome of a run that a test ends: a run that would hang ends well. */
function outcomeByHand({ script: { outcome = "ok" } }: Run): Outcome {
  return outcome === "hang" ? "ok" : outcome;
}
