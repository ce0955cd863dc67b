import { projectPath } from "../../local/machine/project.ts";

/** The files below a folder of the project whose names end so, by their paths from its root, sorted. */
export async function listFiles(folder: string, ending: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(projectPath(folder)));
  const files = await Promise.all(entries.map(async ({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return name === "node_modules" ? [] : await listFiles(path, ending);
    return name.endsWith(ending) ? [path] : [];
  }));
  return files.flat().sort();
}
