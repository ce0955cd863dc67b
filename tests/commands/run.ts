import { UsageError } from "../../local/cli/arguments.ts";
import { runCommand } from "../../local/cli/command.ts";
import { DENO_FLAGS } from "../../local/machine/deno-flags.ts";
import { projectPath } from "../../local/machine/project.ts";
import { print } from "../../local/cli/terminal.ts";

const HELP = `Runs every test of the project, in a random order, each file against a stack of its own.

  npx -y deno@2.9.6 task test [<file> …] [--filter <part of a name>] [--help]

Five minutes on two cores. One file takes seconds: npx -y deno@2.9.6 task test tests/acceptance/flow_test.ts. A filter alone takes a
minute or more, for it reads every file: name the file as well. A failing order is repeated with --shuffle=<the seed that
was printed>. Every other option of deno test works too. The large random test and the mutations are commands of their
own: simulate, test:mutations.`;

/** Runs the tests and answers with their exit code. */
async function run(argv: string[]): Promise<number> {
  if (argv.includes("--help")) {
    print(HELP);
    return 0;
  }
  for (const path of namedPaths(argv)) await assertExists(path);
  const report = await Deno.makeTempFile({ prefix: "reelmint-tests-", suffix: ".xml" });
  try {
    const code = await runDeno([`--junit-path=${report}`, ...argv]);
    if (code === 0 && await countTests(report) === 0) throw new UsageError(nothingFound(argv));
    return code;
  } finally {
    await Deno.remove(report);
  }
}

async function runDeno(argv: string[]): Promise<number> {
  const shuffle = argv.some((argument) => argument.startsWith("--shuffle")) ? [] : ["--shuffle"];
  const child = new Deno.Command(Deno.execPath(), {
    // Types are the business of `task check`.
    args: ["test", "-A", ...DENO_FLAGS, "--no-check", "--parallel", ...shuffle, ...argv],
    cwd: projectPath("."),
    // Two files at a time, each with a whole stack of its own: more would make each wait for the others.
    env: { DENO_JOBS: "2" },
  }).spawn();
  // Ctrl-C reaches the tests as well, which stop their stacks: they are waited for.
  Deno.addSignalListener("SIGINT", () => {});
  return (await child.status).code;
}

/** What is neither a flag nor the value that follows one: `--filter refund tests` names `tests` alone. */
function namedPaths(argv: string[]): string[] {
  return argv.filter((argument, index) => !argument.startsWith("-") && !argv[index - 1]?.startsWith("-"));
}

async function assertExists(path: string): Promise<void> {
  const found = await Deno.stat(projectPath(path)).catch(() => undefined);
  if (found?.isDirectory || found?.isFile && path.endsWith("_test.ts")) return;
  const fault = found === undefined ? `There is no file ${path}` : `${path} is no file of tests`;
  throw new UsageError(`${fault}. Name one from the root of the project, as tests/acceptance/flow_test.ts.`);
}

/** How many tests ran, by a report in JUnit's format: a skipped one has no time. Deno itself is content with none. */
async function countTests(report: string): Promise<number> {
  return (await Deno.readTextFile(report)).match(/<testcase [^>]*\btime="/g)?.length ?? 0;
}

function nothingFound(argv: string[]): string {
  return `No test was run: none fits ${argv.join(" ")}. A filter is a part of a test's name, as it is written.`;
}

await runCommand(run);
