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

/** What `task dev` keeps from one start to the next, so that tokens and keys in other programs go on working. */
export type DevState = z.infer<typeof schema>;

const FILE = "supabase/.temp/dev.json";

/** Reads what is state; new keys where there is nothing, or nothing that makes sense. */
export async function readDevState(): Promise<DevState> {
  try {
    return schema.parse(JSON.parse(await Deno.readTextFile(projectPath(FILE))));
  } catch {
    return createStackKeys();
  }
}

/** Writes it for this user alone; answers whether that could be done. */
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
