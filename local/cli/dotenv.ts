import { parseEnv } from "node:util";
import { projectPath } from "../machine/project.ts";

/**
 * Reads the file `.env` at the project's root, if it exists, and sets its variables in this process, from which the
 * functions inherit them. Returns the file's own variables.
 */
export async function loadDotenv(): Promise<Record<string, string>> {
  const text = await Deno.readTextFile(projectPath(".env")).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  // `NAME=` in a copied template means that the variable is not set.
  const variables = Object.entries(parseEnv(text)).flatMap(([name, value]) => value ? [[name, value] as const] : []);
  for (const [name, value] of variables) {
    if (!Deno.env.has(name)) Deno.env.set(name, value);
  }
  return Object.fromEntries(variables);
}
