import assert from "node:assert/strict";
import { z } from "zod";

const announcement = z.object({
  url: z.url(),
  publishable_key: z.string(),
  fal_simulator_url: z.url(),
  user: z.object({ id: z.string(), access_token: z.string() }),
});

/** A developer's own keys in the environment would make runs that cost money. */
const NO_KEYS = { FAL_KEY: "", FALAI_API_KEY: "", RUNPOD_API_KEY: "", GEMINI_API_KEY: "" };

/** `task dev` in a process of its own. */
export interface DevProcess {
  announced: z.infer<typeof announcement>;
  /** What it wrote for people. */
  notes(): string;
  end(signal: Deno.Signal): Promise<void>;
}

/** Starts `task dev` of the project in a folder, and waits until it is ready. */
export async function startDev(
  folder: string,
  { flags = [], env = {} }: { flags?: string[]; env?: Record<string, string> } = {},
): Promise<DevProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["task", `--config=${folder}/deno.json`, "dev", "--json", ...flags],
    cwd: "/",
    env: { NO_COLOR: "1", ...NO_KEYS, ...env },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = { stdout: "", stderr: "" };
  const read = (["stdout", "stderr"] as const).map(async (name) => {
    for await (const text of child[name].pipeThrough(new TextDecoderStream())) output[name] += text;
  });
  await untilNoted(() => output.stdout.includes("\n"), () => output.stderr);
  return {
    announced: announcement.parse(JSON.parse(output.stdout)),
    notes: () => output.stderr,
    async end(signal) {
      child.kill(signal);
      await child.status;
      await Promise.all(read);
    },
  };
}

/** Waits up to a minute for a condition. The error has the notes. */
export async function untilNoted(condition: () => boolean | Promise<boolean>, notes: () => string): Promise<void> {
  const limit = Date.now() + 60_000;
  while (!await condition()) {
    assert.ok(Date.now() < limit, `it did not come true within 60 s:\n${notes()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
