import { parseEnv } from "node:util";
import { projectPath } from "./project.ts";

/** Puts the variables of the file `.env` at the project's root, where there is one, into those of this process. */
export async function loadDotenv(): Promise<void> {
  const text = await Deno.readTextFile(projectPath(".env")).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  for (const [name, value] of Object.entries(parseEnv(text))) {
    // `NAME=` in a copied template means that it is not set.
    if (value && !Deno.env.has(name)) Deno.env.set(name, value);
  }
}
