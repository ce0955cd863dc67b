import assert from "node:assert/strict";
import { prepareDatabase } from "../../local/postgres/database.ts";
import { startPostgres } from "../../local/postgres/postgres.ts";
import { projectPath } from "../../local/machine/project.ts";
import { loadPgTap, runPgTap } from "../support/pgtap.ts";

// `supabase test db` runs the same files, but needs Docker.
Deno.test("the database keeps every promise of supabase/tests", async (t) => {
  const server = await startPostgres();
  try {
    await prepareDatabase(server.url);
    await loadPgTap(server.url);
    const files = await listTests();
    assert.notEqual(files.length, 0);
    for (const file of files) {
      await t.step(file, async () => assertPassed(await runPgTap(server.url, projectPath(`supabase/tests/${file}`))));
    }
  } finally {
    await server.stop();
  }
});

async function listTests(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(projectPath("supabase/tests")));
  return entries.map((entry) => entry.name).filter((name) => name.endsWith(".test.sql")).sort();
}

/** Reads the Test Anything Protocol: the plan, one line a test, and `#` lines that explain the one before them. */
function assertPassed(lines: string[]): void {
  const planned = lines.map((line) => /^1\.\.(\d+)$/.exec(line)?.[1]).find((count) => count !== undefined);
  const run = lines.filter((line) => /^(not )?ok \d+/.test(line)).length;
  const failed = lines.some((line) => line.startsWith("not ok "));
  if (!failed && Number(planned) === run) return;
  const report = lines.filter((line) => /^(not ok |#)/.test(line)).join("\n");
  assert.fail(`${run} of ${planned ?? "no"} planned tests were run\n${report}`);
}
