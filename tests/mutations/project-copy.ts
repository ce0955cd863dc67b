/** What tests need of the project. */
export const ALL_PARTS: readonly string[] = ["deno.json", "deno.lock", "bench", "local", "supabase", "tests"];
/** What pgTAP tests need of it. */
export const DATABASE_PARTS: readonly string[] = ["supabase/migrations", "supabase/seed.sql", "supabase/tests"];

const SKIPPED = new Set([".temp"]);

/** Copies parts of a project into a new folder below `parent`. */
export async function copyProject(from: string, parent: string, parts: readonly string[]): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: parent });
  await Deno.mkdir(`${folder}/supabase`);
  await Promise.all(parts.map((part) => copy(`${from}/${part}`, `${folder}/${part}`)));
  return folder;
}

async function copy(from: string, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to, { recursive: true });
  const names = (await Array.fromAsync(Deno.readDir(from))).map(({ name }) => name);
  await Promise.all(names.filter((name) => !SKIPPED.has(name)).map((name) => copy(`${from}/${name}`, `${to}/${name}`)));
}
