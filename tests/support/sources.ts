import { dirname, join } from "node:path/posix";
import ts from "typescript";
import { projectPath } from "../../local/machine/project.ts";
import { listFiles } from "./files.ts";

/** A TypeScript file by its path from the project's root, with what it imports: files of ours by such paths too. */
export interface Source {
  path: string;
  text: string;
  imports: string[];
}

/** The TypeScript files below these folders. */
export async function readSources(...folders: string[]): Promise<Source[]> {
  const paths = (await Promise.all(folders.map((folder) => listFiles(folder, ".ts")))).flat();
  return await Promise.all(paths.map(async (path) => toSource(path, await Deno.readTextFile(projectPath(path)))));
}

/** A source by its path and its text. */
export function toSource(path: string, text: string): Source {
  const imports = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) =>
    fileName.startsWith(".") ? join(dirname(path), fileName) : fileName
  );
  return { path, text, imports };
}

/** Whether a source is deployed or run by users, and not only by tests. */
export function isProduction({ path }: Source): boolean {
  return !path.startsWith("tests/") && !path.endsWith("_test.ts");
}
