import { parseEnv } from "node:util";
import { projectPath } from "../machine/project.ts";

/**
 * Reads the file `.env` at the project's root, where there is one, and puts its variables into those of this process,
 * which the functions inherit. Answers with the file's own variables.
 */
export async function loadDotenv(): Promise<Record<string, string>> {
  const text = await Deno.readTextFile(projectPath(".env")).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  // `NAME=` in a copied template means that it is not set.
  const variables = Object.entries(parseEnv(text)).flatMap(([name, value]) => value ? [[name, value] as const] : []);
  for (const [name, value] of variables) {
    if (!Deno.env.has(name)) Deno.env.set(name, value);
  }
  return Object.fromEntries(variables);
}
