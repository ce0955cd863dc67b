// What the pages name is there: files, sections of pages, tables, procedures and settings.
import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";
import { projectPath } from "../../local/machine/project.ts";

const PAGES = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  ...(await namesIn("docs")).map((name) => `docs/${name}`),
  ...(await namesIn("docs/decisions")).map((name) => `docs/decisions/${name}`),
].filter((path) => path.endsWith(".md"));

const ROOTS = /^(?:supabase|local|tests|docs|_shared|providers|runtime)\/[\w./-]*\w/;
const FOLDERS = ["", "supabase/functions/", "supabase/functions/_shared/"];

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(projectPath(folder)))).map(({ name }) => name).sort();
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(projectPath(path)).then(() => true, () => false);
}

/** A heading's address within its page, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-");
}

/** Names that are not ours. */
const FOREIGN = ["snake_case", "pg_dump", "am_adam", "wal_level"];

/** Every word of the code, and the names that are not ours. */
const known = new Set([...(await readTexts("supabase", "local", "bench")).join("\n").match(/\w+/g) ?? [], ...FOREIGN]);

/** The texts of these files, and of those in these folders. */
async function readTexts(...paths: string[]): Promise<string[]> {
  const texts = await Promise.all(paths.map(async (path) => {
    if ((await Deno.stat(projectPath(path))).isDirectory) {
      return await readTexts(...(await namesIn(path)).map((name) => `${path}/${name}`));
    }
    return /\.(ts|sql|toml|md)$/.test(path) ? [await Deno.readTextFile(projectPath(path))] : [];
  }));
  return texts.flat();
}

for (const page of PAGES) {
  const text = await Deno.readTextFile(projectPath(page));

  Deno.test(`every link of ${page} leads to a file, and to a section of it`, async () => {
    for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      assert.ok(await isThere(target), link);
      if (anchor === undefined) continue;
      const headings = (await Deno.readTextFile(projectPath(target))).matchAll(/^#+ (.+)$/gm);
      assert.ok(Array.from(headings, ([, heading = ""]) => anchorOf(heading)).includes(anchor), link);
    }
  });

  Deno.test(`every file that ${page} names is there`, async () => {
    const migrations = await namesIn("supabase/migrations");
    for (const [, code = ""] of text.matchAll(/`([^`\n]+)`/g)) {
      const ending = /^…(\w+\.sql)$/.exec(code)?.[1];
      if (ending !== undefined) assert.ok(migrations.some((name) => name.endsWith(ending)), code);
      const path = ROOTS.exec(code)?.[0];
      if (path === undefined || /[<*…]/.test(code)) continue;
      const found = await Promise.all(FOLDERS.map((folder) => isThere(folder + path)));
      assert.ok(found.includes(true), code);
    }
  });

  Deno.test(`every procedure, table, field and setting that ${page} names is in the code`, () => {
    const names = [...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = ""]) =>
      code.match(/\b[a-z]+(?:_[a-z]+)+\b/g) ?? []
    );
    assert.deepEqual([...new Set(names)].filter((name) => !known.has(name) && !name.endsWith("_test")), []);
  });
}
