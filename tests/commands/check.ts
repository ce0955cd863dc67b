import { z } from "zod";
import { readArguments } from "../../local/cli/arguments.ts";
import { runCommand } from "../../local/cli/command.ts";
import { DENO_FLAGS } from "../../local/machine/deno-flags.ts";
import { projectPath } from "../../local/machine/project.ts";
import { print, printNote } from "../../local/cli/terminal.ts";

const HELP = `Checks everything that can be checked without running the project.

  npx -y deno@2.9.6 task check [--help]

In this order, ending at the first that fails: format, lint, types, import directions, generated database types.`;

const FLAGS = { boolean: ["help"], string: [] };
const schema = z.object({ _: z.array(z.unknown()).max(0, "takes no arguments"), help: z.boolean() });

/** All of bench but the folder that has packages of its own. */
const BENCH = ["benchmarks", "commands", "measure", "opponents", "stack"];

const STEPS: [name: string, args: string[], hint: string][] = [
  ["Format", ["fmt", "--check", "--quiet"], "correct it with npx -y deno@2.9.6 fmt"],
  ["Lint", ["lint", "--quiet"], "the lines above say what to change"],
  [
    "Types",
    ["check", ...DENO_FLAGS, "supabase/functions", "local", "tests", ...BENCH.map((part) => `bench/${part}`)],
    "the lines above say what does not fit",
  ],
  [
    "Types of the load",
    ["check", ...DENO_FLAGS, "--config=bench/load/deno.json", "bench/load"],
    "the lines above say what does not fit",
  ],
  [
    "Imports",
    ["test", "-A", ...DENO_FLAGS, "tests/architecture/layers_test.ts"],
    "imports go down only, as ARCHITECTURE.md shows",
  ],
  [
    "Database types",
    ["run", "-A", ...DENO_FLAGS, "local/commands/database-types.ts", "--check"],
    "npx -y deno@2.9.6 task types writes them anew",
  ],
];

async function check(argv: string[]): Promise<number> {
  if (readArguments(argv, FLAGS, schema).help) {
    print(HELP);
    return 0;
  }
  for (const [name, args, hint] of STEPS) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: projectPath(".") })
      .output();
    if (code !== 0) {
      printNote(new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
      printNote(`${name}: failed; ${hint}.`);
      return code;
    }
    print(`${name}: in order`);
  }
  return 0;
}

await runCommand(check);
