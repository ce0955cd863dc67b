// Proves that the tests notice: takes each guard of money away in turn, and expects a named test to fail.
import { z } from "zod";
import { readArguments, UsageError } from "../../local/cli/arguments.ts";
import { runCommand } from "../../local/cli/command.ts";
import { createProgressBar, print, printNote } from "../../local/cli/terminal.ts";
import { mutations } from "../mutations/mutations.ts";
import { type Proof, prove } from "../mutations/prove.ts";

const HELP = `Takes each guard of money away in turn and expects the test that is named for it to fail.

  npx -y deno@2.9.6 task test:mutations [--only <text>] [--json]

  --only   only the mutations with this text in their name, guard or file
  --json   print the result as one JSON object, and nothing else on standard output
  --help   print this

Works on copies: nothing in this folder changes. Ends with 1 if a mutation survives.`;

const FLAGS = { boolean: ["help", "json"], string: ["only"] };
const schema = z.object({
  _: z.array(z.unknown()).max(0, "takes no arguments"),
  help: z.boolean(),
  json: z.boolean(),
  only: z.string().optional(),
});

async function run(argv: string[]): Promise<number> {
  const options = readArguments(argv, FLAGS, schema);
  if (options.help) {
    print(HELP);
    return 0;
  }
  const chosen = mutations.filter((mutation) =>
    [mutation.name, mutation.guard, mutation.file].join("\n").includes(options.only ?? "")
  );
  if (chosen.length === 0) throw new UsageError(`No mutation has "${options.only}" in its name, guard or file.`);

  const begin = performance.now();
  const bar = createProgressBar();
  const proofs = await prove(chosen, (done, all, text) => bar.show(Math.floor(100 * done / all), text));
  bar.end();
  const survivors = proofs.filter(({ verdict }) => verdict !== "killed");
  const seconds = Math.round((performance.now() - begin) / 1000);
  if (options.json) {
    print(JSON.stringify({ mutations: proofs.length, killed: proofs.length - survivors.length, seconds, proofs }));
  } else {
    for (const line of toTable(proofs)) print(line);
    print(`${proofs.length - survivors.length} of ${proofs.length} mutations were killed in ${seconds} s.`);
  }
  for (const { name, verdict, detail } of survivors) printNote(`${verdict}: ${name}\n  ${detail}`);
  return survivors.length === 0 ? 0 : 1;
}

function toTable(proofs: Proof[]): string[] {
  const width = Math.max(...proofs.map(({ name }) => name.length));
  return proofs.map(({ name, verdict, seconds, test }) =>
    `${verdict.padEnd(8)} ${seconds.toFixed(1).padStart(5)} s  ${name.padEnd(width)}  ${test.file}: ${test.name}`
  );
}

await runCommand(run);
