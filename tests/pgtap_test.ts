import { splitSqlStatements } from "@supabase/lite";
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import postgres from "postgres";
import { prepareDatabase } from "../local/database.ts";
import { startPostgres } from "../local/postgres.ts";
import { projectPath } from "../local/project.ts";

// `supabase test db` runs the same files, but needs Docker.
Deno.test("the database keeps every promise of supabase/tests", async (t) => {
  const server = await startPostgres();
  try {
    await prepareDatabase(server.url);
    await loadPgTap(server.url);
    const files = await listTests();
    assert.notEqual(files.length, 0);
    for (const file of files) await t.step(file, () => runTests(server.url, file));
  } finally {
    await server.stop();
  }
});

async function listTests(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(projectPath("supabase/tests")));
  return entries.map((entry) => entry.name).filter((name) => name.endsWith(".test.sql")).sort();
}

/** Loads pgTAP where `supabase test db` loads it. The server's own package has no extension of that name. */
async function loadPgTap(url: string): Promise<void> {
  const archive = createRequire(import.meta.url).resolve("@electric-sql/pglite-pgtap")
    .replace(/index\.cjs$/, "pgtap.tar.gz");
  const tar = new Deno.Command("tar", { args: ["-xzOf", archive, "share/postgresql/extension/pgtap--1.3.5.sql"] });
  const { success, stdout, stderr } = await tar.output();
  assert.ok(success, new TextDecoder().decode(stderr));
  const sql = connect(url);
  try {
    await sql.unsafe(`set search_path = extensions; ${new TextDecoder().decode(stdout)}`);
  } finally {
    await sql.end();
  }
}

async function runTests(url: string, file: string): Promise<void> {
  const text = await Deno.readTextFile(projectPath(`supabase/tests/${file}`));
  const sql = connect(url);
  const output: string[] = [];
  try {
    for (const statement of splitSqlStatements(text)) {
      const rows = await sql.unsafe(statement).values().catch((cause) => {
        throw new Error(`${cause.message}\nin the statement\n${statement}`, { cause });
      });
      output.push(...rows.flat().filter((value) => typeof value === "string"));
    }
  } finally {
    await sql.end();
  }
  assertPassed(output.join("\n").split("\n"));
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

function connect(url: string): postgres.Sql {
  return postgres(url, { max: 1, onnotice: () => {} });
}
