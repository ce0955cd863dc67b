import { fileURLToPath } from "node:url";

/** The absolute path of a file of this project, given relative to its root. */
export function projectPath(relative: string): string {
  return fileURLToPath(new URL(`../../${relative}`, import.meta.url));
}
