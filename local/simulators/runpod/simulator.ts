import { listen } from "../shared/http.ts";
import { Timeline } from "../shared/timeline.ts";
import type { EndState } from "./words.ts";
import { RateLimits } from "./rate-limits.ts";
import { RunpodRoutes } from "./routes.ts";
import { makeVideo } from "./making.ts";
import { type RunpodRun, Runs } from "./runs.ts";
import type { Studio } from "../studio/studio.ts";
import { Webhooks } from "./webhooks.ts";

export type { EndState } from "./words.ts";
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
  /** How many requests an endpoint accepts in ten seconds. @default RunPod's */
  limits?: { run?: number; status?: number; cancel?: number };
  /** Makes the videos of the runs; without it they are the sample. */
  studio?: Studio | undefined;
}

/** A running simulator. */
export interface RunpodSimulator {
  /** `http://127.0.0.1:<port>/v2`. */
  readonly baseUrl: string;
  readonly key: string;
  /** The accepted requests, oldest first. */
  readonly requests: readonly Readonly<RunpodRun>[];
  /** How many submissions arrived, accepted or not. */
  readonly submissions: number;
  /** Ends a run now: as its script says, or in another state. */
  finish(id: string, state?: EndState): void;
  /** Does everything that is due on the clock, and waits for the answers to the webhooks under way. */
  tick(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server that speaks RunPod's queue API, runs nothing, sends its webhooks and serves the files of its handler. */
export async function startRunpodSimulator(options: RunpodSimulatorOptions = {}): Promise<RunpodSimulator> {
  const key = options.key ?? "simulated-runpod-key";
  const timeline = new Timeline(options.now ?? Date.now);
  const webhooks = new Webhooks(timeline);
  const pace = { queueMs: options.queueMs ?? 600, runMs: options.runMs ?? 3000 };
  const runs = new Runs(
    timeline,
    pace,
    () => origin,
    (run) => webhooks.send(run),
    (run) => makeVideo(run, options.studio),
  );
  const routes = new RunpodRoutes(key, timeline, runs, new RateLimits(timeline, options.limits));
  const server = await listen(options.port ?? 0, (request) => routes.answer(request));
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
    finish(id, state) {
      timeline.advance();
      const found = runs.find(id);
      if (found === undefined) throw new Error(`No run ${id}`);
      runs.end(found, state);
    },
    async tick() {
      do timeline.advance(); while (await webhooks.sender.settled());
    },
    async stop() {
      timeline.stop();
      webhooks.sender.stop();
      await server.close();
      await webhooks.sender.settled();
    },
  };
}
