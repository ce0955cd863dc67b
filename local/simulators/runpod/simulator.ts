import { listen } from "../shared/http.ts";
import { Timeline } from "../shared/timeline.ts";
import type { SubmitFault } from "../shared/faults.ts";
import type { EndState } from "./outcomes.ts";
import { RateLimits } from "./rate-limits.ts";
import { RunpodRoutes } from "./routes.ts";
import { type RunpodRun, Runs } from "./runs.ts";
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

/** Starts a server that speaks RunPod's queue API, runs nothing, sends its webhooks and serves the files of its handler. */
export async function startRunpodSimulator(options: RunpodSimulatorOptions = {}): Promise<RunpodSimulator> {
  const key = options.key ?? "simulated-runpod-key";
  const timeline = new Timeline(options.now ?? Date.now);
  const webhooks = new Webhooks(timeline);
  const pace = { queueMs: options.queueMs ?? 600, runMs: options.runMs ?? 3000 };
  const runs = new Runs(timeline, pace, () => origin, (run) => webhooks.send(run));
  const routes = new RunpodRoutes(key, timeline, runs, new RateLimits(timeline, options.limits));
  const server = await listen(options.port ?? 0, (call) => routes.answer(call));
  const origin = `http://127.0.0.1:${server.port}`;

  return {
    baseUrl: `${origin}/v2`,
    key,
    get requests() {
      timeline.advance();
      return runs.all;
    },
    get submissions() {
      return routes.submissions;
    },
    failSubmissions: (fault) => routes.everySubmission = fault,
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
