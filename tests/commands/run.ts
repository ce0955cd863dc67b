import { UsageError } from "../../local/cli/arguments.ts";
import { runCommand } from "../../local/cli/command.ts";
import { print, printNote } from "../../local/cli/terminal.ts";
import { selectTests } from "./test-files.ts";
import { startTests, type TestResult } from "./test-run.ts";
import { watchTests } from "./watch.ts";

const HELP = `Runs tests in a random order, each file against a stack of its own.

  npx -y deno@2.9.6 task test [<file, folder or pattern> …] [--filter <part of a name>] [--watch] [--help]
  npx -y deno@2.9.6 task test:unit [--filter <part of a name>] [--watch]

  <file …>   tests/acceptance/flow_test.ts, tests/api, "tests/api/vid*" or just flow; without any, all: ten minutes
  --filter   only the tests whose names contain this text; without a file each file is still loaded, a minute or more
  --watch    run again after each change of the project's files, until Ctrl-C; needs files
  --help     print this

test:unit runs the tests that need no stack, in seconds. To repeat an order that failed, add the --shuffle=<number> that
was printed. Every other option of deno test works too. The random world and the mutations are commands of their own:
simulate, test:mutations.`;

/** Runs the tests and returns their exit code. */
async function run(argv: string[]): Promise<number> {
  if (argv.includes("--help")) {
    print(HELP);
    return 0;
  }
  const isWatching = argv.includes("--watch");
  const selection = await selectTests(argv.filter((argument) => argument !== "--watch"));
  if (isWatching) {
    if (selection.paths.length === 0) {
      throw new UsageError(
        "--watch needs the files to run, for all of them take minutes. test:unit --watch needs none.",
      );
    }
    await watchTests(selection, printCount);
    return 0;
  }
  const tests = await startTests(selection);
  // Ctrl-C reaches the tests as well, which stop their stacks: they are waited for.
  Deno.addSignalListener("SIGINT", () => {});
  const result = await tests.result;
  if (result.code === 0 && result.tests === 0) throw new UsageError(nothingFound(argv));
  printCount(result);
  return result.code;
}

function printCount({ tests, files }: TestResult): void {
  printNote(`Ran ${tests} ${tests === 1 ? "test" : "tests"} of ${files} ${files === 1 ? "file" : "files"}.`);
}

function nothingFound(argv: string[]): string {
  return `No test was run: none fits ${argv.join(" ")}. A filter is a part of a test's name, as it is written.`;
}

await runCommand(run);
