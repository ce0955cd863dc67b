import type { Ffmpeg } from "../ffmpeg/engine.ts";
import { listen } from "../shared/http.ts";
import { Timeline } from "../shared/timeline.ts";
import type { RendiCommand } from "./commands.ts";
import { RendiRoutes } from "./routes.ts";
import { type FetchInput, runCommand } from "./workshop.ts";

export type { RendiCommand } from "./commands.ts";

/** How to start a simulator. */
export interface RendiSimulatorOptions {
  /** @default a free one */
  port?: number;
  key?: string;
  /** The clock of every time decision, in ms. @default Date.now */
  now?: () => number;
  /** @default 200 */
  queueMs?: number;
  /** @default 800; a command that is really run lasts as long as it needs */
  runMs?: number;
  /** Gives ffmpeg, when a command is to be run. Without it, or where it gives null, each file is a sample. */
  ffmpeg?: (() => Promise<Ffmpeg | null>) | undefined;
  /** Fetches an input of a command; by default from anywhere. */
  fetchInput?: FetchInput | undefined;
}

/** A running simulator. */
export interface RendiSimulator {
  /** `http://127.0.0.1:<port>/v1`. */
  readonly baseUrl: string;
  readonly key: string;
  /** The accepted commands, oldest first. */
  readonly commands: readonly Readonly<RendiCommand>[];
  /** How many submissions arrived, accepted or not. */
  readonly submissions: number;
  /** Ends a command now, as its script says. Its files are samples. */
  finish(id: string): void;
  /** Does everything that is due on the clock, and waits for the commands that are really run. */
  tick(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server that speaks Rendi's API and, with ffmpeg, does what the commands of our adapter say. */
export async function startRendiSimulator(options: RendiSimulatorOptions = {}): Promise<RendiSimulator> {
  const key = options.key ?? "simulated-rendi-key";
  const timeline = new Timeline(options.now ?? Date.now);
  const { ffmpeg } = options;
  const routes = new RendiRoutes(key, {
    timeline,
    origin: () => origin,
    queueMs: options.queueMs ?? 200,
    runMs: options.runMs ?? 800,
    work: ffmpeg && (async (request) => {
      const engine = await ffmpeg();
      return engine === null ? null : await runCommand(engine, request, options.fetchInput);
    }),
  });
  const server = await listen(options.port ?? 0, (request) => routes.answer(request));
  const origin = `http://127.0.0.1:${server.port}`;
  const { commands } = routes;

  return {
    baseUrl: `${origin}/v1`,
    key,
    get commands() {
      timeline.advance();
      return commands.all;
    },
    get submissions() {
      return routes.submissions;
    },
    finish(id) {
      timeline.advance();
      const command = commands.find(id);
      if (command === undefined) throw new Error(`No command ${id}`);
      commands.end(command);
    },
    async tick() {
      timeline.advance();
      await commands.settled();
    },
    async stop() {
      timeline.stop();
      await server.close();
      await commands.settled();
    },
  };
}
