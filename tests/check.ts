import { DENO_FLAGS } from "../local/deno-flags.ts";
import { projectPath } from "../local/project.ts";
import { print, printNote } from "../local/terminal.ts";

const HELP = `Checks everything that can be checked without running the project.

  deno task check [--help]

In this order, ending at the first that fails: format, lint, types, import directions, generated database types.`;

const STEPS: [name: string, args: string[], mend: string][] = [
  ["Format", ["fmt", "--check", "--quiet"], "deno fmt mends it"],
  ["Lint", ["lint", "--quiet"], "the lines above say what to change"],
  ["Types", ["check", ...DENO_FLAGS, "supabase/functions", "local", "tests"], "the lines above say what does not fit"],
  [
    "Imports",
    ["test", "-A", ...DENO_FLAGS, "tests/import_directions_test.ts"],
    "design: functions → _shared → nothing of ours",
  ],
  [
    "Database types",
    ["run", "-A", ...DENO_FLAGS, "local/database-types.ts", "--check"],
    "deno task types writes them anew",
  ],
];

async function check(): Promise<number> {
  for (const [name, args, mend] of STEPS) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: projectPath(".") })
      .output();
    if (code !== 0) {
      printNote(new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
      printNote(`${name}: failed; ${mend}.`);
      return code;
    }
    print(`${name}: in order`);
  }
  return 0;
}

if (Deno.args.includes("--help")) {
  print(HELP);
} else {
  Deno.exit(await check());
}
