import { type Child, startChild } from "../machine/child-process.ts";
import { DENO_FLAGS } from "../machine/deno-flags.ts";
import { peakMemory } from "../machine/peak-memory.ts";
import { projectPath } from "../machine/project.ts";

/** Which Deno runs the functions: the project's own, or the one that Supabase's hosted runtime is compatible with. */
export type FunctionsRuntime = "2.9.6" | "2.1.14";

/** How to start the functions. */
export interface FunctionsOptions {
  environment: Record<string, string>;
  runtime: FunctionsRuntime;
  /** Called with each line that the functions log. */
  onLog?: ((line: string) => void) | undefined;
}

/** The process that runs the edge functions. */
export interface FunctionsProcess {
  readonly port: number | undefined;
  readonly pid: number;
  /** The lines that the functions logged since their last start. */
  readonly log: readonly string[];
  /** Kills it as a crash would. */
  kill(): Promise<void>;
  /** Ends it if it runs, and starts it again with these variables changed. */
  restart(environment?: Record<string, string>): Promise<void>;
  /** Resolves when no request is under way, and no background work of a request. */
  rest(): Promise<void>;
  /** Resolves when no background work of a request is under way, whatever requests are. */
  backgroundRest(): Promise<void>;
  /** The largest memory it ever had, in bytes; undefined where the system does not report it. */
  peakMemory(): number | undefined;
  stop(): Promise<void>;
}

/** Longer than the time limits of the functions' own calls, except that of a file copy. */
const REST_LIMIT_MS = 60_000;

/** Starts the process that runs the edge functions. */
export async function startFunctions({ environment, runtime, onLog }: FunctionsOptions): Promise<FunctionsProcess> {
  let child = await start();
  let running = true;

  function start(): Promise<Child> {
    // The older Deno has its own list of certificate authorities, which may lack that of the npm registry in use.
    const variables = { DENO_TLS_CA_STORE: "system", ...environment };
    return startChild({ name: "functions", ...commandOf(runtime), environment: variables, onLog });
  }

  async function restOf(what: string): Promise<void> {
    if (!running) return;
    const response = await fetch(`http://127.0.0.1:${child.port}/${what}`, {
      signal: AbortSignal.timeout(REST_LIMIT_MS),
    });
    await response.body?.cancel();
  }

  async function stop(): Promise<void> {
    running = false;
    await child.stop();
  }

  return {
    get port() {
      return running ? child.port : undefined;
    },
    get pid() {
      return child.pid;
    },
    get log() {
      return child.log;
    },
    async kill() {
      running = false;
      await child.kill();
    },
    async restart(changes = {}) {
      if (running) await stop();
      Object.assign(environment, changes);
      child = await start();
      running = true;
    },
    rest: () => restOf("_rest"),
    backgroundRest: () => restOf("_background"),
    peakMemory: () => peakMemory(child.pid),
    stop,
  };
}

function commandOf(runtime: FunctionsRuntime): { command: string; args: string[] } {
  const server = projectPath("local/stack/functions-server.ts");
  if (runtime === "2.9.6") {
    return { command: Deno.execPath(), args: ["run", "-A", ...DENO_FLAGS, "--unstable-no-legacy-abort", server] };
  }
  // The older Deno cannot read the lock file.
  const flags = [...DENO_FLAGS, "--no-lock", `--config=${projectPath("deno.json")}`];
  return { command: "npx", args: ["-y", "deno@2.1.14", "run", "-A", ...flags, server] };
}
