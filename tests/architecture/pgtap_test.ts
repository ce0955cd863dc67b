import assert from "node:assert/strict";
import { projectPath } from "../../local/machine/project.ts";
import { mutations } from "../mutations/mutations.ts";
import { startDatabase } from "../support/database.ts";
import { loadPgTap, readTests, runPgTap } from "../support/pgtap.ts";

// `supabase test db` runs the same files, but needs Docker.
Deno.test("every test of supabase/tests passes, and every one that a mutation names is there", async (t) => {
  const server = await startDatabase();
  try {
    await loadPgTap(server.url);
    const files = await listTests();
    assert.notEqual(files.length, 0);
    for (const file of files) {
      await t.step(file, async () => {
        const lines = await runPgTap(server.url, projectPath(file));
        assertPassed(lines);
        assertNamed(file, lines);
      });
    }
  } finally {
    await server.stop();
  }
});

async function listTests(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(projectPath("supabase/tests")));
  return entries.filter(({ name }) => name.endsWith(".test.sql")).map(({ name }) => `supabase/tests/${name}`).sort();
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

/** The tests of this file that mutations name were run. */
function assertNamed(file: string, lines: string[]): void {
  const names = new Set(readTests(lines).map(({ name }) => name));
  const wanted = mutations.map(({ test }) => test).filter((test) => test.file === file).map(({ name }) => name);
  assert.deepEqual(wanted.filter((name) => !names.has(name)), []);
}
