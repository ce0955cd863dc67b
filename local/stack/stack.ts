import { tmpdir } from "node:os";
import { type Child, startChild } from "../machine/child-process.ts";
import type { DatabaseFiles } from "../postgres/database.ts";
import { DENO_FLAGS } from "../machine/deno-flags.ts";
import { type FalSimulator, type FalSimulatorOptions, startFalSimulator } from "../simulators/fal/simulator.ts";
import { tellFunctionsAddress } from "./functions-address.ts";
import { freePort } from "../machine/free-port.ts";
import { type FunctionsProcess, type FunctionsRuntime, startFunctions } from "./functions-process.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { bypassProxy } from "../machine/no-proxy.ts";
import { type Postgres, startPostgres } from "../postgres/postgres.ts";
import { projectPath } from "../machine/project.ts";
import {
  type RunpodSimulator,
  type RunpodSimulatorOptions,
  startRunpodSimulator,
} from "../simulators/runpod/simulator.ts";
import { createStackKeys, type SigningKey, type StackKeys, toJwks } from "../supabase/tokens.ts";
import { startVeoSimulator, type VeoSimulator, type VeoSimulatorOptions } from "../simulators/veo/simulator.ts";
import { startWorkerTimer } from "./worker-timer.ts";

/** How to start a stack; every part has a default. */
export interface StackOptions {
  /** @default free ones */
  apiPort?: number;
  /** Where the API listens: an address of this machine, or 0.0.0.0 for all. @default 127.0.0.1 */
  apiHost?: string;
  /** @default new ones */
  keys?: StackKeys;
  databasePort?: number;
  /** A PostgreSQL to use instead of a throw-away one. */
  databaseUrl?: string;
  databaseFiles?: DatabaseFiles;
  /** A real key of fal.ai; without one a simulator of fal.ai is started. */
  falKey?: string;
  falSimulator?: FalSimulatorOptions;
  /** A real key of RunPod, or of the Gemini API; without one a simulator is started, and its models are offered. */
  runpodKey?: string;
  runpodSimulator?: RunpodSimulatorOptions;
  geminiKey?: string;
  veoSimulator?: VeoSimulatorOptions;
  /** Whether the simulators are asked to report finished runs; without, jobs are followed by polling. @default true */
  webhooks?: boolean;
  functionsRuntime?: FunctionsRuntime;
  /** Variables for the functions, over those that the stack sets. */
  functionsEnvironment?: Record<string, string>;
  /** How often the worker is called; by default never, so that a test decides. */
  workerIntervalMs?: number;
  /** Told what is being done. */
  onProgress?: (step: string) => void;
  /** Told each line that the functions log. */
  onLog?: (line: string) => void;
}

/** A whole Supabase project with this project's functions, on this machine. */
export interface Stack {
  url: string;
  publishableKey: string;
  secretKey: string;
  databaseUrl: string;
  /** What signs users' tokens: with it and `signToken` a test makes any token. */
  signingKey: SigningKey;
  gateway: Gateway;
  falSimulator: FalSimulator | null;
  runpodSimulator: RunpodSimulator | null;
  veoSimulator: VeoSimulator | null;
  functions: FunctionsProcess;
  /** The process that serves REST, Auth, Storage and Realtime. */
  supabase: Child;
  /** Null where the database is somebody else's. */
  postgres: Postgres | null;
  /** Stops everything and leaves nothing behind. */
  stop(): Promise<void>;
}

/** Starts a stack. It ends with this process, however this process ends. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const progress = options.onProgress ?? (() => {});
  const apiHost = options.apiHost ?? "127.0.0.1";
  bypassProxy(apiHost);
  const { publishableKey, secretKey, signingKey } = options.keys ?? createStackKeys();
  const databasePort = options.databasePort ?? freePort();
  const databaseUrl = options.databaseUrl ?? `postgresql://postgres:postgres@127.0.0.1:${databasePort}/postgres`;
  // Files outlive the stack only together with the rows that name them.
  const storageFolder = options.databaseUrl
    ? projectPath("supabase/.temp/storage")
    : `${tmpdir()}/reelmint-storage-${crypto.randomUUID()}`;
  if (options.databaseUrl) await makeStorageFolder(storageFolder);
  let supabase: Child | undefined;
  let functions: FunctionsProcess | undefined;

  const parts: Promise<{ stop(): Promise<void> }>[] = [];
  function keep<Part extends { stop(): Promise<void> }>(starting: Promise<Part>): Promise<Part> {
    parts.push(starting);
    return starting;
  }

  async function stop(): Promise<void> {
    // The newest first, so that nothing is asked of a part that has gone. A part that failed has nothing to stop.
    for (const starting of parts.splice(0).reverse()) await starting.then((part) => part.stop(), () => {});
    // The server removes its files itself, unless it was killed.
    if (!options.databaseUrl) await Deno.remove(storageFolder, { recursive: true }).catch(() => {});
  }

  async function startDatabase(url: string): Promise<Postgres | null> {
    progress(options.databaseUrl ? "Connecting to the database" : "Starting PostgreSQL");
    const postgres = options.databaseUrl ? null : await keep(startPostgres({ port: databasePort }));
    progress("Applying migrations");
    // Imported only now: loading it takes as long as the other parts take to start.
    const { prepareDatabase } = await import("../postgres/database.ts");
    await prepareDatabase(databaseUrl, options.databaseFiles);
    const { offerModels } = await import("./simulated-models.ts");
    await offerModels(databaseUrl, [
      ...(options.falKey ? [] : ["fal"]),
      ...(options.runpodKey ? [] : ["runpod"]),
      ...(options.geminiKey ? [] : ["veo"]),
    ]);
    await tellFunctionsAddress(databaseUrl, `${url}/functions/v1`);
    return postgres;
  }

  async function startSupabase(): Promise<Child> {
    return supabase = await keep(startChild({
      name: "Supabase server",
      command: Deno.execPath(),
      args: [
        "run",
        "-A",
        ...DENO_FLAGS,
        "--unstable-no-legacy-abort",
        projectPath("local/supabase/supabase-server.ts"),
      ],
      environment: {
        DATABASE_URL: databaseUrl,
        PUBLISHABLE_KEY: publishableKey,
        SECRET_KEY: secretKey,
        JWT_SECRET: signingKey.secret,
        JWT_KEY_ID: signingKey.kid,
        STORAGE_FOLDER: storageFolder,
        ...(options.databaseUrl ? {} : { STORAGE_IS_TEMPORARY: "yes" }),
      },
    }));
  }

  try {
    const falSimulator = options.falKey
      ? null
      : await keep(startFalSimulator({ anyModel: true, ...options.falSimulator }));
    const runpodSimulator = options.runpodKey ? null : await keep(startRunpodSimulator(options.runpodSimulator));
    const veoSimulator = options.geminiKey ? null : await keep(startVeoSimulator(options.veoSimulator));
    const gateway = await keep(startGateway(options.apiPort ?? freePort(undefined, apiHost), {
      "/functions/v1": () => functions?.port,
      "/rest/v1": () => supabase?.port,
      "/auth/v1": () => supabase?.port,
      "/storage/v1": () => supabase?.port,
      "/realtime/v1": () => supabase?.port,
    }, apiHost));
    const { url } = gateway;
    const [postgres, supabaseServer, edgeFunctions] = await Promise.all([
      startDatabase(url),
      startSupabase(),
      keep(startFunctions({
        runtime: options.functionsRuntime ?? "2.9.6",
        environment: {
          SUPABASE_URL: url,
          SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: publishableKey }),
          SUPABASE_SECRET_KEYS: JSON.stringify({ default: secretKey }),
          SUPABASE_JWKS: toJwks(signingKey),
          ...providerVariables(options, url, { falSimulator, runpodSimulator, veoSimulator }),
          ...options.functionsEnvironment,
        },
        onLog: options.onLog,
      })).then((started) => functions = started),
    ]);
    if (options.workerIntervalMs) {
      keep(Promise.resolve({ stop: startWorkerTimer(url, secretKey, options.workerIntervalMs) }));
    }
    return {
      url,
      publishableKey,
      secretKey,
      databaseUrl,
      signingKey,
      gateway,
      falSimulator,
      runpodSimulator,
      veoSimulator,
      functions: edgeFunctions,
      supabase: supabaseServer,
      postgres,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function makeStorageFolder(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause) => {
    throw new Error(`A database of your own has its files beside it, and ${folder} cannot be written.`, { cause });
  });
}

/** How the functions reach the providers: by the real keys, or at the simulators. */
function providerVariables(
  { falKey, runpodKey, geminiKey, webhooks }: StackOptions,
  url: string,
  { falSimulator: fal, runpodSimulator: runpod, veoSimulator: veo }: Pick<
    Stack,
    "falSimulator" | "runpodSimulator" | "veoSimulator"
  >,
): Record<string, string> {
  return {
    ...(falKey ? { FAL_KEY: falKey } : {}),
    ...(fal && webhooks !== false ? { PUBLIC_FUNCTIONS_URL: `${url}/functions/v1` } : {}),
    ...(fal ? { FAL_KEY: fal.key, FAL_QUEUE_URL: fal.url, FAL_JWKS_URL: fal.jwksUrl } : {}),
    ...(runpodKey ? { RUNPOD_API_KEY: runpodKey } : {}),
    ...(runpod ? { RUNPOD_API_KEY: runpod.key, RUNPOD_BASE_URL: runpod.baseUrl } : {}),
    ...(geminiKey ? { GEMINI_API_KEY: geminiKey } : {}),
    ...(veo ? { GEMINI_API_KEY: veo.key, GEMINI_BASE_URL: veo.baseUrl } : {}),
  };
}
