// docs/money.md names every way in which credits move, docs/operations.md every fault that the audit can find.
import assert from "node:assert/strict";
import { projectPath } from "../../local/machine/project.ts";

const page = await Deno.readTextFile(projectPath("docs/money.md"));
const migrations = await readMigrations();

const operations = await Deno.readTextFile(projectPath("docs/operations.md"));

async function readMigrations(): Promise<string> {
  const folder = projectPath("supabase/migrations");
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  return (await Promise.all(names.map((name) => Deno.readTextFile(`${folder}/${name}`)))).join("\n");
}

Deno.test("docs/money.md has each reason with which the procedures write to the ledger, and no other", () => {
  const written = [
    ...migrations.matchAll(/\b(?:add|deduct)_credits\([^;]*?'([a-z]+_[a-z_]+)'/g),
    ...migrations.matchAll(/'(\w+_refund)'/g),
    ...migrations.matchAll(/p_reason text default '(\w+)'/g),
  ].map(([, reason]) => reason);
  const documented = Array.from(page.matchAll(/^\| `(\w+)`/gm), ([, reason]) => reason);
  assert.deepEqual(documented.sort(), [...new Set(written)].sort());
});

Deno.test("docs/money.md names guards and procedures that the migrations have, and tests that are there", async () => {
  for (const [, name = ""] of page.matchAll(/`(?:private\.)?([a-z]+(?:_[a-z]+)+)(?:\(\))?`/g)) {
    assert.match(migrations, new RegExp(`\\b${name}\\b|'${name}'`), name);
  }
  const tests = Array.from(page.matchAll(/`((?:supabase\/)?tests\/[^`]+)`/g), ([, path]) => path ?? "");
  assert.ok(tests.length > 8);
  for (const path of tests) assert.ok((await Deno.stat(projectPath(path))).isFile, path);
});

Deno.test("docs/operations.md says of each problem that the audit can find what to do, and of no other", async () => {
  const audit = await Deno.readTextFile(projectPath("supabase/migrations/20261121000390_audit.sql"));
  const [, views = ""] = audit.match(/private\.account_problems\((.*)create view private\.book_problems/s) ?? [];
  const found = Array.from(views.matchAll(/select (?:entries\.id, )?'([a-z_]+)'/g), ([, problem]) => problem);
  const section = operations.split(/^## /m).find((part) => part.startsWith("What the audit finds")) ?? "";
  const documented = Array.from(section.matchAll(/^\| `(\w+)`/gm), ([, problem]) => problem);
  assert.equal(found.length, 9);
  assert.deepEqual(documented.slice(1).sort(), found.sort());
});
