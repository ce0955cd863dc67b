import { z } from "zod";
import { readArguments } from "../cli/arguments.ts";
import { runCommand } from "../cli/command.ts";
import { prepareDatabase } from "../postgres/database.ts";
import { startPostgres } from "../postgres/postgres.ts";
import { projectPath } from "../machine/project.ts";
import { runSupabaseCli } from "../machine/supabase-cli.ts";
import { print, printNote } from "../cli/terminal.ts";

const FILE = "supabase/functions/_shared/database/database.types.ts";

const HELP = `Writes the TypeScript types of the database that the migrations make, with the Supabase CLI.

  npx -y deno@2.9.6 task types [--check] [--help]

With --check it writes nothing, and fails if ${FILE} is out of date.`;

const FLAGS = { boolean: ["check", "help"], string: [] };
const schema = z.object({
  _: z.array(z.unknown()).max(0, "takes no arguments"),
  check: z.boolean(),
  help: z.boolean(),
});

/** The text of the types file for a database, formatted. */
export async function generateTypes(databaseUrl: string): Promise<string> {
  const { success, stdout, stderr } = await runSupabaseCli(databaseUrl, "gen", "types", "--schema=public");
  if (!success) throw new Error(`The Supabase CLI did not generate types:\n${stderr}`);
  return await format(stdout);
}

/** The text of the types file in the project. */
export function readTypes(): Promise<string> {
  return Deno.readTextFile(projectPath(FILE));
}

async function format(text: string): Promise<string> {
  const formatter = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext=ts", "-"],
    cwd: projectPath("."),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = formatter.stdin.getWriter();
  const [{ success, stdout, stderr }] = await Promise.all([
    formatter.output(),
    input.write(new TextEncoder().encode(text)).then(() => input.close()),
  ]);
  if (!success) throw new Error(`The generated types do not format:\n${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

async function generateFromMigrations(): Promise<string> {
  const server = await startPostgres();
  try {
    await prepareDatabase(server.url);
    return await generateTypes(server.url);
  } finally {
    await server.stop();
  }
}

async function run(argv: string[]): Promise<number> {
  const { check, help } = readArguments(argv, FLAGS, schema);
  if (help) {
    print(HELP);
    return 0;
  }
  const types = await generateFromMigrations();
  if (types === await readTypes()) return 0;
  if (check) {
    printNote(`${FILE} is out of date. Run: npx -y deno@2.9.6 task types`);
    return 1;
  }
  await Deno.writeTextFile(projectPath(FILE), types);
  printNote(`${FILE} was written.`);
  return 0;
}

if (import.meta.main) await runCommand(run);
