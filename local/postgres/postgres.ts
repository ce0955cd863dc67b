import { freePort } from "../machine/free-port.ts";
import { serverUser, stageBinaries } from "./postgres-binaries.ts";

/** Where the server listens and keeps its files; both are chosen where not given. */
export interface PostgresOptions {
  port?: number;
  /** An empty folder that is removed at the end. As root, one that the user `nobody` can reach. */
  folder?: string;
}

/** A running throw-away PostgreSQL. */
export interface Postgres {
  url: string;
  /** Stops the server and removes its files. */
  stop(): Promise<void>;
  /** Kills the server as a crash would; `restart` brings it back with its data. */
  kill(): void;
  restart(): Promise<void>;
}

const START_LIMIT_MS = 30_000;

/** Starts a PostgreSQL 17 that ends with this process, however this process ends, and leaves nothing behind. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const user = await serverUser();
  const port = options.port ?? freePort();
  // Root's own TMPDIR may be private, and the server runs as another user.
  const folder = options.folder ??
    await Deno.makeTempDir({ prefix: "reelmint-postgres-", ...(user.uid === undefined ? {} : { dir: "/tmp" }) });
  if (user.uid !== undefined && user.gid !== undefined) await Deno.chown(folder, user.uid, user.gid);

  const watchdog = new Deno.Command("sh", {
    args: ["-c", await Deno.readTextFile(new URL("postgres-watchdog.sh", import.meta.url)), "sh", folder, `${port}`],
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin" },
    cwd: "/",
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    // Ctrl-C is for the parent alone, which stops its servers in order.
    detached: true,
    ...user,
  }).spawn();
  const orders = watchdog.stdin.getWriter();
  let killed = false;

  async function stop(): Promise<void> {
    await orders.close().catch(() => {});
    await watchdog.status;
  }

  function kill(): void {
    Deno.kill(Number(readLock()[0]), "SIGKILL");
    killed = true;
  }

  async function restart(): Promise<void> {
    if (!killed) {
      Deno.kill(Number(readLock()[0]), "SIGINT");
      await waitUntil(() => readLock().length === 0, "stop");
    }
    await start();
  }

  async function start(): Promise<void> {
    const before = readLock()[0];
    let tries = 0;
    await waitUntil(async () => {
      // After a kill asked again each second: the old server's children may hold its memory for a moment.
      if (tries === 0 || (killed && tries % 50 === 0)) await orders.write(new TextEncoder().encode("start\n"));
      tries++;
      const lock = readLock();
      return lock[0] !== before && lock[7]?.trim() === "ready";
    }, "start");
    killed = false;
  }

  /** The lines of the server's lock file: its process id first, its state eighth; none where there is no server. */
  function readLock(): string[] {
    try {
      return Deno.readTextFileSync(`${folder}/data/postmaster.pid`).split("\n");
    } catch {
      return [];
    }
  }

  async function waitUntil(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const limit = Date.now() + START_LIMIT_MS;
    while (!await condition()) {
      if (Date.now() > limit) {
        const log = await Deno.readTextFile(`${folder}/log`).catch(() => "(it wrote no log)");
        throw new Error(`PostgreSQL did not ${what} within ${START_LIMIT_MS / 1000} s. Its log:\n${log.slice(-2000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  try {
    await stageBinaries(folder, user);
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`, stop, kill, restart };
}
