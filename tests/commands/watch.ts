import { printNote } from "../../local/cli/terminal.ts";
import { watchLauncher } from "../../local/machine/launcher.ts";
import { projectPath } from "../../local/machine/project.ts";
import { watchFiles } from "../../local/machine/watch-files.ts";
import type { Selection } from "./test-files.ts";
import { startTests, type TestResult, type TestRun } from "./test-run.ts";

/** Runs the tests now and after each change of the project's files, until Ctrl-C. A change ends a run that is under way. */
export async function watchTests(selection: Selection, report: (result: TestResult) => void): Promise<void> {
  let current: TestRun | undefined;
  let isStopped = false;
  async function rerun(): Promise<void> {
    await current?.end();
    if (isStopped) return;
    const run = current = await startTests(selection);
    void run.result.then((result) => {
      if (run !== current || isStopped) return;
      report(result);
      printNote("Waiting for a change. Ctrl-C ends.");
    });
  }

  let running = rerun();
  const stopWatching = watchFiles(
    ["tests", "local", "supabase"].map(projectPath),
    (path) => /\.(ts|json|sql|sh|md|toml)$/.test(path) && !path.includes("/.temp/"),
    ([changed = ""]) => {
      printNote(`${changed.slice(projectPath("").length)} changed.`);
      running = running.then(rerun);
    },
  );
  await stopRequested();
  isStopped = true;
  stopWatching();
  await running;
  await current?.end();
}

function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, resolve);
    void watchLauncher(resolve);
  });
}
