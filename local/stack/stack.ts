import { tmpdir } from "node:os";
import { type Child, startChild } from "../machine/child-process.ts";
import type { DatabaseFiles } from "../postgres/database.ts";
import { DENO_FLAGS } from "../machine/deno-flags.ts";
import { setFunctionsUrl } from "./functions-url.ts";
import { freePort } from "../machine/free-port.ts";
import { type FunctionsProcess, type FunctionsRuntime, startFunctions } from "./functions-process.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { bypassProxy } from "../machine/no-proxy.ts";
import { type Postgres, startPostgres } from "../postgres/postgres.ts";
import { projectPath } from "../machine/project.ts";
import { createStackKeys, type SigningKey, type StackKeys, toJwks } from "../supabase/tokens.ts";
import { type ProviderOptions, providerVariables, type Simulators, startSimulators } from "./simulators.ts";
import { startWorkerTimer } from "./worker-timer.ts";

/** How to start a stack. Every option has a default. */
export interface StackOptions extends ProviderOptions {
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
  /** Data with which the throw-away PostgreSQL begins. What it lacks is applied. @default an empty database */
  databaseTemplate?: string | undefined;
  /** The folder in which the throw-away PostgreSQL makes the folder of its data. @default its own */
  databaseParent?: string | undefined;
  /** Whether the simulators send webhooks. Without them the jobs are polled. @default true */
  webhooks?: boolean;
  functionsRuntime?: FunctionsRuntime;
  /** Variables for the functions, over those that the stack sets. */
  functionsEnvironment?: Record<string, string>;
  /** How often the worker is called; by default never, so that a test decides when. */
  workerIntervalMs?: number;
  /** Called with each step of the start. */
  onProgress?: (step: string) => void;
  /** Called with each line that the functions log. */
  onLog?: (line: string) => void;
}

/** A whole Supabase project with this project's functions, on this machine. */
export interface Stack extends Simulators {
  url: string;
  publishableKey: string;
  secretKey: string;
  databaseUrl: string;
  /** The key that signs users' tokens: with it and `signToken` a test makes any token. */
  signingKey: SigningKey;
  gateway: Gateway;
  functions: FunctionsProcess;
  /** The process that serves REST, Auth, Storage and Realtime. */
  supabase: Child;
  /** Null where the stack uses a given database. */
  postgres: Postgres | null;
  /** Stops everything and leaves nothing behind. */
  stop(): Promise<void>;
}

/** Starts a stack. It ends with this process, however this process ends. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const starter = new StackStarter(options);
  try {
    return await starter.start();
  } catch (error) {
    await starter.stop();
    throw error;
  }
}

class StackStarter {
  readonly #host: string;
  readonly #keys: StackKeys;
  readonly #databasePort: number;
  readonly #databaseUrl: string;
  readonly #storageFolder: string;
  readonly #parts: Promise<{ stop(): Promise<void> }>[] = [];
  #supabase: Child | undefined;
  #functions: FunctionsProcess | undefined;

  constructor(private readonly options: StackOptions) {
    this.#host = options.apiHost ?? "127.0.0.1";
    this.#keys = options.keys ?? createStackKeys();
    this.#databasePort = options.databasePort ?? freePort();
    this.#databaseUrl = options.databaseUrl ??
      `postgresql://postgres:postgres@127.0.0.1:${this.#databasePort}/postgres`;
    // Files outlive the stack only together with the rows that name them.
    this.#storageFolder = options.databaseUrl
      ? projectPath("supabase/.temp/storage")
      : `${tmpdir()}/reelmint-storage-${crypto.randomUUID()}`;
  }

  async start(): Promise<Stack> {
    bypassProxy(this.#host);
    if (this.options.databaseUrl) await makeStorageFolder(this.#storageFolder);
    const simulators = await startSimulators(this.options, (starting) => this.#keep(starting));
    const gateway = await this.#startGateway();
    simulators.studio?.trust(gateway.url);
    const [postgres, supabase, functions] = await Promise.all([
      this.#startDatabase(gateway.url),
      this.#startSupabase(),
      this.#startFunctions(gateway.url, simulators),
    ]);
    const { publishableKey, secretKey, signingKey } = this.#keys;
    if (this.options.workerIntervalMs) {
      const stop = startWorkerTimer(gateway.url, secretKey, this.options.workerIntervalMs);
      this.#keep(Promise.resolve({ stop }));
    }
    return {
      url: gateway.url,
      databaseUrl: this.#databaseUrl,
      publishableKey,
      secretKey,
      signingKey,
      gateway,
      ...simulators,
      functions,
      supabase,
      postgres,
      stop: () => this.stop(),
    };
  }

  /** Stops the newest part first, so that no part calls one that has stopped. A part that failed has nothing to stop. */
  async stop(): Promise<void> {
    for (const starting of this.#parts.splice(0).reverse()) await starting.then((part) => part.stop(), () => {});
    // The server removes its files itself, unless it was killed.
    if (!this.options.databaseUrl) await Deno.remove(this.#storageFolder, { recursive: true }).catch(() => {});
  }

  #keep<Part extends { stop(): Promise<void> }>(starting: Promise<Part>): Promise<Part> {
    this.#parts.push(starting);
    return starting;
  }

  #startGateway(): Promise<Gateway> {
    const upstreams = {
      "/functions/v1": () => this.#functions?.port,
      "/rest/v1": () => this.#supabase?.port,
      "/auth/v1": () => this.#supabase?.port,
      "/storage/v1": () => this.#supabase?.port,
      "/realtime/v1": () => this.#supabase?.port,
    };
    const port = this.options.apiPort ?? freePort(undefined, this.#host);
    return this.#keep(startGateway(port, upstreams, this.#host));
  }

  async #startDatabase(url: string): Promise<Postgres | null> {
    const { databaseUrl, databaseFiles, falKey, runpodKey, geminiKey, rendiKey, onProgress } = this.options;
    const { databaseTemplate: template, databaseParent: dataParent } = this.options;
    onProgress?.(databaseUrl ? "Connecting to the database" : "Starting PostgreSQL");
    const postgres = databaseUrl
      ? null
      : await this.#keep(startPostgres({ port: this.#databasePort, template, dataParent }));
    onProgress?.("Applying migrations");
    // Imported only now: loading it takes as long as the other parts take to start.
    const { prepareDatabase } = await import("../postgres/database.ts");
    await prepareDatabase(this.#databaseUrl, databaseFiles);
    await setFunctionsUrl(this.#databaseUrl, `${url}/functions/v1`);
    const { offerModels } = await import("./simulated-models.ts");
    await offerModels(this.#databaseUrl, [
      ...(falKey ? [] : ["fal"]),
      ...(runpodKey ? [] : ["runpod"]),
      ...(geminiKey ? [] : ["veo"]),
      ...(rendiKey ? [] : ["rendi"]),
    ]);
    return postgres;
  }

  async #startSupabase(): Promise<Child> {
    const { publishableKey, secretKey, signingKey } = this.#keys;
    const server = projectPath("local/supabase/supabase-server.ts");
    return this.#supabase = await this.#keep(startChild({
      name: "Supabase server",
      command: Deno.execPath(),
      args: ["run", "-A", ...DENO_FLAGS, "--unstable-no-legacy-abort", server],
      environment: {
        DATABASE_URL: this.#databaseUrl,
        PUBLISHABLE_KEY: publishableKey,
        SECRET_KEY: secretKey,
        JWT_SECRET: signingKey.secret,
        JWT_KEY_ID: signingKey.kid,
        STORAGE_FOLDER: this.#storageFolder,
        ...thirdPartyVariables(this.options),
        ...(this.options.databaseUrl ? {} : { STORAGE_IS_TEMPORARY: "yes" }),
      },
    }));
  }

  async #startFunctions(url: string, simulators: Simulators): Promise<FunctionsProcess> {
    const { publishableKey, secretKey, signingKey } = this.#keys;
    return this.#functions = await this.#keep(startFunctions({
      runtime: this.options.functionsRuntime ?? "2.9.6",
      environment: {
        SUPABASE_URL: url,
        SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: publishableKey }),
        SUPABASE_SECRET_KEYS: JSON.stringify({ default: secretKey }),
        SUPABASE_JWKS: toJwks(signingKey),
        ...providerVariables(this.options, simulators),
        ...(simulators.falSimulator && this.options.webhooks !== false
          ? { PUBLIC_FUNCTIONS_URL: `${url}/functions/v1` }
          : {}),
        ...this.options.functionsEnvironment,
      },
      onLog: this.options.onLog,
    }));
  }
}

async function makeStorageFolder(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause) => {
    throw new Error(`The files of your database are kept in ${folder}, which cannot be written.`, { cause });
  });
}

/** The identity providers that the functions accept: REST, Storage and Realtime accept them as well. */
function thirdPartyVariables({ functionsEnvironment = {} }: StackOptions): Record<string, string> {
  return Object.fromEntries(Object.entries(functionsEnvironment).filter(([name]) => name.startsWith("THIRD_PARTY_")));
}
