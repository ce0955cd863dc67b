import { projectPath } from "./project.ts";

/** The result of a run of the Supabase CLI, and its output. */
export interface CliResult {
  success: boolean;
  stdout: string;
  stderr: string;
}

/**
 * Runs the Supabase CLI on this project and a database. It leaves no files and sends no telemetry: what it keeps between
 * its runs goes into a folder that is removed.
 */
export async function runSupabaseCli(databaseUrl: string, ...args: string[]): Promise<CliResult> {
  const home = await Deno.makeTempDir({ prefix: "reelmint-supabase-cli-" });
  try {
    const { success, stdout, stderr } = await new Deno.Command("npx", {
      args: ["-y", "supabase@3.1.0", ...args, "--output-format=json", `--remote=${databaseUrl}`],
      cwd: projectPath("."),
      env: { DO_NOT_TRACK: "1", SUPABASE_HOME: home, SUPABASE_NO_UPDATE_NOTIFIER: "1" },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}
