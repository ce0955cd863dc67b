import { z } from "zod";
import { readArguments, UsageError } from "../../local/cli/arguments.ts";
import { runCommand } from "../../local/cli/command.ts";
import { print, printNote } from "../../local/cli/terminal.ts";
import { watchLauncher } from "../../local/machine/launcher.ts";
import { BENCHMARKS } from "../benchmarks/all.ts";
import { type Benchmark, toJson } from "../measure/benchmark.ts";
import { machineOf } from "../measure/machine.ts";
import { writePage } from "../measure/page.ts";
import { tablesOf } from "../measure/table.ts";

const HELP =
  `Measures this project beside what people would use instead, each pair in turn on one stack of this machine.

  npx -y deno@2.9.6 task bench [<name>] [--rounds <n>] [--seconds <n>] [--size <n>] [--fsync] [--json]
    [--write] [--help]

  <name>     one benchmark; without it all of them, one after the other:
${BENCHMARKS.map(({ name, claim }) => `             ${name.padEnd(11)} ${claim}`).join("\n")}
  --rounds   how often each pair is measured; 5. Their median is the result
  --seconds  how long each measurement of a load lasts; 5
  --size     how many rows or jobs the benchmarks of growth make; 100000
  --fsync    PostgreSQL waits for the disk at each commit, as hosted servers do
  --json     print one line of JSON for each benchmark, { name, ratios, figures }, and nothing else on standard output
  --write    also write docs/performance/<name>.md and its chart
  --help     print this

A figure is only as good as the machine is quiet. Ctrl-C leaves nothing behind.`;

const FLAGS = { boolean: ["help", "json", "write", "fsync"], string: ["rounds", "seconds", "size"] };
const positive = z.coerce.number("must be a whole number").int("must be a whole number").min(1, "must be at least 1");
const schema = z.object({
  _: z.array(z.string()).max(1, "takes one name"),
  help: z.boolean(),
  json: z.boolean(),
  write: z.boolean(),
  fsync: z.boolean(),
  rounds: positive.default(5),
  seconds: positive.default(5),
  size: positive.default(100_000),
});
type Options = z.infer<typeof schema>;

async function bench(argv: string[]): Promise<void> {
  const options = readArguments(argv, FLAGS, schema);
  if (options.help) return print(HELP);
  const chosen = chooseBenchmarks(options._[0]);
  await watchLauncher(() => Deno.exit(1));
  for (const benchmark of chosen) await runOne(benchmark, options);
}

function chooseBenchmarks(name: string | undefined): readonly Benchmark[] {
  if (name === undefined) return BENCHMARKS;
  const found = BENCHMARKS.filter((benchmark) => benchmark.name === name);
  if (found.length === 0) {
    throw new UsageError(
      `There is no benchmark ${name}. They are ${BENCHMARKS.map((benchmark) => benchmark.name).join(", ")}.`,
    );
  }
  return found;
}

async function runOne(benchmark: Benchmark, { rounds, seconds, size, fsync, json, write }: Options): Promise<void> {
  printNote(`${benchmark.name}: ${benchmark.claim}`);
  const onProgress = (step: string) => printNote(`  ${step} …`);
  const findings = await benchmark.run({ rounds, seconds, size, fsync, onProgress });
  if (write) {
    const command =
      `npx -y deno@2.9.6 task bench ${benchmark.name} --rounds ${rounds} --seconds ${seconds} --size ${size}${
        fsync ? " --fsync" : ""
      }`;
    printNote(`Written: ${await writePage(benchmark, findings, command)}`);
  }
  if (json) return print(JSON.stringify(toJson(benchmark.name, findings)));
  print(`${tablesOf(findings)}\n\n${machineOf(findings.postgres)}\n`);
}

await runCommand(bench);
