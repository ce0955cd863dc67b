/** An editor writes a file in several steps, and several files at once. */
const SETTLE_MS = 200;

/** Calls back with the changed files among those that are relevant, once no more change comes. Returns the way to stop. */
export function watchFiles(
  folders: string[],
  isRelevant: (path: string) => boolean,
  onChange: (paths: string[]) => void,
): () => void {
  const watcher = Deno.watchFs(folders);
  let changed = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  function report(): void {
    const paths = [...changed];
    changed = new Set();
    onChange(paths);
  }
  async function watch(): Promise<void> {
    for await (const { kind, paths } of watcher) {
      const relevant = paths.filter(isRelevant);
      if (kind === "access" || relevant.length === 0) continue;
      for (const path of relevant) changed.add(path);
      clearTimeout(timer);
      timer = setTimeout(report, SETTLE_MS);
    }
  }
  watch();
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
