import { listen } from "../shared/http.ts";
import { Timeline } from "../shared/timeline.ts";
import { makeVideo } from "./making.ts";
import type { Studio } from "../studio/studio.ts";
import { type VeoOperation, VeoRoutes } from "./routes.ts";

export type { VeoOperation } from "./routes.ts";

/** A preview model accepts this many submissions a minute. */
const SUBMISSIONS_A_MINUTE = 10;

/** How to start a simulator. */
export interface VeoSimulatorOptions {
  /** @default a free one */
  port?: number;
  key?: string;
  /** The clock of every time decision, in ms. @default Date.now */
  now?: () => number;
  /** How long an operation lasts; Google reports no queue. @default 3000 */
  runMs?: number;
  /** How many submissions each model accepts in a minute. @default no limit; Google's is 10 for a preview model */
  submissionsPerMinute?: number | "documented";
  /** Makes the videos; without it they are the sample. */
  studio?: Studio | undefined;
}

/** A running simulator. */
export interface VeoSimulator {
  /** `http://127.0.0.1:<port>/v1beta`. */
  readonly baseUrl: string;
  readonly key: string;
  /** The accepted operations, oldest first. */
  readonly operations: readonly Readonly<VeoOperation>[];
  /** How many submissions arrived, accepted or not. */
  readonly submissions: number;
  /** Ends an operation now, as its script says. */
  finish(name: string): void;
  /** Does everything that is due on the clock. */
  tick(): void;
  stop(): Promise<void>;
}

/** Starts a server that speaks the Gemini API's part for Veo: submissions, operations, downloads. It runs nothing. */
export async function startVeoSimulator(options: VeoSimulatorOptions = {}): Promise<VeoSimulator> {
  const key = options.key ?? "simulated-gemini-key";
  const timeline = new Timeline(options.now ?? Date.now);
  const perMinute = options.submissionsPerMinute === "documented"
    ? SUBMISSIONS_A_MINUTE
    : options.submissionsPerMinute ?? Infinity;
  const routes = new VeoRoutes({
    key,
    timeline,
    origin: () => origin,
    runMs: options.runMs ?? 3000,
    perMinute,
    make: (operation) => makeVideo(operation, options.studio),
  });
  const server = await listen(options.port ?? 0, (request) => routes.answer(request));
  const origin = `http://127.0.0.1:${server.port}`;

  return {
    baseUrl: `${origin}/v1beta`,
    key,
    get operations() {
      timeline.advance();
      return routes.operations;
    },
    get submissions() {
      return routes.submissions;
    },
    finish(name) {
      const operation = routes.operations.find((one) => one.name === name);
      if (operation === undefined) throw new Error(`No operation ${name}`);
      routes.end(operation, timeline.now());
    },
    tick: () => timeline.advance(),
    async stop() {
      timeline.stop();
      await server.close();
    },
  };
}
