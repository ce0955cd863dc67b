import { z } from "zod";
import { projectPath } from "../machine/project.ts";
import { createStackKeys } from "../supabase/tokens.ts";

const schema = z.object({
  publishableKey: z.string(),
  secretKey: z.string(),
  signingKey: z.object({ kid: z.string(), secret: z.string() }),
  /** The rows of the development user, as Auth made them. */
  user: z.object({
    user: z.record(z.string(), z.unknown()),
    identities: z.array(z.record(z.string(), z.unknown())),
  }).optional(),
});

/** What `task dev` keeps from one start to the next, so that tokens and keys in other programs stay valid. */
export type DevState = z.infer<typeof schema>;

const FILE = "supabase/.temp/dev.json";

/** Reads the state of the last start. Makes new keys where there is none, or none that is valid. */
export async function readDevState(): Promise<DevState> {
  try {
    return schema.parse(JSON.parse(await Deno.readTextFile(projectPath(FILE))));
  } catch {
    return createStackKeys();
  }
}

/** Writes the state, readable by its owner alone. Returns whether it could be written. */
export async function writeDevState(state: DevState): Promise<boolean> {
  const file = projectPath(FILE);
  const part = `${file}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(projectPath("supabase/.temp"), { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(part, JSON.stringify(state), { mode: 0o600 });
    await Deno.rename(part, file);
    return true;
  } catch {
    return false;
  }
}
