import { projectPath } from "../machine/project.ts";
import { watchFiles } from "../machine/watch-files.ts";
import { printNote } from "./terminal.ts";

/** Restarts the functions when their code changes. Says when a changed migration needs a new start. */
export function reloadOnChange(restart: () => Promise<void>): () => void {
  let restarting = Promise.resolve();
  async function reload(files: string[]): Promise<void> {
    if (files.some((file) => file.endsWith(".sql"))) {
      printNote("The migrations changed. Restart `task dev` to get a database that has them.");
    }
    const code = files.find((file) => file.startsWith("supabase/functions/"));
    if (code === undefined) return;
    const begin = performance.now();
    await restart();
    printNote(`${code} changed. The functions were restarted in ${Math.round(performance.now() - begin)} ms.`);
  }
  return watchFiles(
    [projectPath("supabase/functions"), projectPath("supabase/migrations")],
    (path) => /\.(ts|json|sql)$/.test(path) && !path.endsWith("_test.ts"),
    (paths) => {
      const files = paths.map((path) => path.slice(projectPath("").length));
      restarting = restarting.then(() => reload(files)).catch((error) =>
        printNote(`The functions did not start: ${error.message}`)
      );
    },
  );
}
