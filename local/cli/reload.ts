import { projectPath } from "../machine/project.ts";
import { printNote } from "./terminal.ts";

/** An editor writes a file in several steps, and several files at once. */
const SETTLE_MS = 200;

/** Restarts the functions when their code changes, and says when the database would have to start anew. */
export function reloadOnChange(restart: () => Promise<void>): () => void {
  const watcher = Deno.watchFs([projectPath("supabase/functions"), projectPath("supabase/migrations")]);
  let changed = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let restarting = Promise.resolve();

  async function act(): Promise<void> {
    const paths = [...changed].map((path) => path.slice(projectPath("").length));
    changed = new Set();
    if (paths.some((path) => path.endsWith(".sql"))) {
      printNote("The migrations changed: restart `task dev` for a database that has them.");
    }
    const code = paths.find((path) => path.startsWith("supabase/functions/"));
    if (code === undefined) return;
    const begin = performance.now();
    await restart();
    printNote(`${code} changed: the functions were restarted in ${Math.round(performance.now() - begin)} ms.`);
  }

  async function watch(): Promise<void> {
    for await (const { kind, paths } of watcher) {
      const relevant = paths.filter((path) => /\.(ts|json|sql)$/.test(path) && !path.endsWith("_test.ts"));
      if (kind === "access" || relevant.length === 0) continue;
      for (const path of relevant) changed.add(path);
      clearTimeout(timer);
      timer = setTimeout(() => {
        restarting = restarting.then(act).catch((error) => printNote(`The functions did not start: ${error.message}`));
      }, SETTLE_MS);
    }
  }

  watch();
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
