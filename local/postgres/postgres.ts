import { freePort } from "../machine/free-port.ts";
import { type ServerUser, serverUser, stageBinaries } from "./postgres-binaries.ts";

/** Where the server listens and keeps its files; both are chosen where not given. */
export interface PostgresOptions {
  port?: number;
  /** An empty folder that is removed at the end. As root, one that the user `nobody` can reach. */
  folder?: string;
  /** A folder in which its data gets a folder of its own, which is removed at the end. @default `folder` itself */
  dataParent?: string | undefined;
  /** Data of a server that was shut down: this one begins with a copy. @default an empty database */
  template?: string | undefined;
}

/** A running throw-away PostgreSQL. */
export interface Postgres {
  url: string;
  /** Stops the server and removes its files. */
  stop(): Promise<void>;
  /** Kills the server as a crash would; `restart` brings it back with its data. */
  kill(): void;
  restart(): Promise<void>;
  /** Stops the server in order and resolves to the folder of its data, which `stop` removes. */
  shutDown(): Promise<string>;
}

const START_LIMIT_MS = 30_000;

/** Starts a PostgreSQL 17 that ends with this process, however this process ends, and leaves nothing behind. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const user = await serverUser();
  // The TMPDIR of root may be private, and the server runs as another user.
  const folder = options.folder ??
    await Deno.makeTempDir({ prefix: "reelmint-postgres-", ...(user.uid === undefined ? {} : { dir: "/tmp" }) });
  if (user.uid !== undefined && user.gid !== undefined) await Deno.chown(folder, user.uid, user.gid);
  const port = options.port ?? freePort();
  const data = await makeDataFolder(folder, options.dataParent, user);
  const watchdog = await startWatchdog([folder, `${port}`, options.template ?? "", data], user);
  const server = new ThrowAwayPostgres(port, folder, watchdog);
  try {
    await stageBinaries(folder, user);
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** Makes the folder of the data elsewhere than in the server's folder, which gets a link to it; "" for not. */
async function makeDataFolder(folder: string, parent: string | undefined, { uid, gid }: ServerUser): Promise<string> {
  if (parent === undefined) return "";
  const data = await Deno.makeTempDir({ prefix: "reelmint-data-", dir: parent });
  if (uid !== undefined && gid !== undefined) await Deno.chown(data, uid, gid);
  await Deno.symlink(data, `${folder}/data`);
  return data;
}

async function startWatchdog(parameters: string[], user: ServerUser): Promise<Deno.ChildProcess> {
  const script = await Deno.readTextFile(new URL("postgres-watchdog.sh", import.meta.url));
  return new Deno.Command("sh", {
    args: ["-c", script, "sh", ...parameters],
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin" },
    cwd: "/",
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    // Ctrl-C must reach the parent alone, which stops its servers in order.
    detached: true,
    ...user,
  }).spawn();
}

class ThrowAwayPostgres implements Postgres {
  readonly url: string;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #isKilled = false;

  constructor(port: number, private readonly folder: string, private readonly watchdog: Deno.ChildProcess) {
    this.url = `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`;
    this.#orders = watchdog.stdin.getWriter();
  }

  async start(): Promise<void> {
    const before = this.#readLock()[0];
    let tries = 0;
    await this.#waitUntil(async () => {
      // After a kill the order is repeated each second: the old server's children may hold its memory for a moment.
      if (tries === 0 || (this.#isKilled && tries % 50 === 0)) {
        await this.#orders.write(new TextEncoder().encode("start\n"));
      }
      tries++;
      const lock = this.#readLock();
      return lock[0] !== before && lock[7]?.trim() === "ready";
    }, "start");
    this.#isKilled = false;
  }

  async stop(): Promise<void> {
    await this.#orders.close().catch(() => {});
    await this.watchdog.status;
  }

  kill(): void {
    this.#signal("SIGKILL");
    this.#isKilled = true;
  }

  async restart(): Promise<void> {
    if (!this.#isKilled && this.#readLock().length > 0) await this.shutDown();
    await this.start();
  }

  async shutDown(): Promise<string> {
    this.#signal("SIGINT");
    await this.#waitUntil(() => this.#readLock().length === 0, "stop");
    return await Deno.realPath(`${this.folder}/data`);
  }

  #signal(signal: Deno.Signal): void {
    const [pid] = this.#readLock();
    // Without a process id the signal would go to this process and all of its group.
    if (pid === undefined) throw new Error("PostgreSQL does not run");
    Deno.kill(Number(pid), signal);
  }

  /** The lines of the server's lock file: its process id first, its state eighth. No lines where no server runs. */
  #readLock(): string[] {
    try {
      return Deno.readTextFileSync(`${this.folder}/data/postmaster.pid`).split("\n");
    } catch {
      return [];
    }
  }

  async #waitUntil(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const limit = Date.now() + START_LIMIT_MS;
    while (!await condition()) {
      if (Date.now() > limit) {
        const log = await Deno.readTextFile(`${this.folder}/log`).catch(() => "(it wrote no log)");
        throw new Error(`PostgreSQL did not ${what} within ${START_LIMIT_MS / 1000} s. Its log:\n${log.slice(-2000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
