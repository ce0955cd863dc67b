// The migrations are read from the first to the last: each stands on those before it, and none is too long to be read.
import assert from "node:assert/strict";
import { projectPath } from "../../local/machine/project.ts";

const FOLDER = "supabase/migrations";
const LINES_OF_A_FILE = 300;
const LINES_OF_A_PROCEDURE = 90;

const CREATED = /^create (?:function|table|type|view) ((?:public|private)\.\w+)/gm;
const NAME = /\b(?:public|private)\.\w+/g;
const FUNCTION = /^create function (\S+?)\([\s\S]*?^\$\$;$/gm;

const migrations = await readMigrations();

Deno.test("no migration uses a function, a table, a type or a view that a later one creates", () => {
  const createdIn = new Map<string, string>();
  for (const { file, code } of migrations) {
    for (const [, name = ""] of code.matchAll(CREATED)) {
      assert.equal(createdIn.get(name), undefined, `${name} is created twice`);
      createdIn.set(name, file);
    }
  }
  assert.ok(createdIn.size > 100, "the migrations are read");
  const forward = migrations.flatMap(({ file, code }) =>
    [...new Set(code.match(NAME))].flatMap((name) => {
      const created = createdIn.get(name) ?? file;
      return created > file ? [`${file} uses ${name} of ${created}`] : [];
    })
  );
  assert.deepEqual(forward, []);
});

Deno.test(`no migration has more than ${LINES_OF_A_FILE} lines`, () => {
  const long = migrations.filter(({ text }) => countLines(text) > LINES_OF_A_FILE).map(({ file }) => file);
  assert.deepEqual(long, []);
});

Deno.test(`no procedure has more than ${LINES_OF_A_PROCEDURE} lines`, () => {
  const functions = migrations.flatMap(({ text }) =>
    Array.from(text.matchAll(FUNCTION), ([all, name]) => ({ name, lines: countLines(all) }))
  );
  const created = migrations.flatMap(({ text }) => text.match(/^create function /gm) ?? []);
  assert.equal(functions.length, created.length, "every function ends with a line of $$;");
  assert.deepEqual(functions.filter(({ lines }) => lines > LINES_OF_A_PROCEDURE), []);
});

// A function in language sql that has a search path is never inlined: Postgres parses and plans it again in each
// transaction that calls it, which takes ten times as long as a call of plpgsql. These are called rarely.
const RARELY_CALLED = new Set([
  // When the operator changes the catalogue.
  ...["is_name", "reserved_setting_problems", "segments_problems", "place_problems", "step_input_problems"],
  // For subtitles that are drawn into the picture.
  ...["drawn_characters", "fonts_of"],
  // When a user signs up or confirms an address.
  ...["mailbox", "confirmed_address", "address_hmac"],
  // By the purge, the audit and the import.
  ...["stray_uploads", "account_problems", "forgo_welcome", "queue_imported_jobs", "imported_model"],
]);

Deno.test("what a procedure calls often is plpgsql, whose plan a connection keeps", () => {
  const helpers = migrations.flatMap(({ text }) =>
    Array.from(text.matchAll(FUNCTION), ([all, name = ""]) => ({ name: name.replace("private.", ""), all }))
  ).filter(({ name, all }) => !name.includes(".") && /^language sql$/m.test(all)).map(({ name }) => name);
  assert.deepEqual(helpers.filter((name) => !RARELY_CALLED.has(name)), []);
  assert.deepEqual([...RARELY_CALLED].filter((name) => !helpers.includes(name)), []);
});

/** The migrations in their order; `code` is without comments. */
async function readMigrations() {
  const entries = await Array.fromAsync(Deno.readDir(projectPath(FOLDER)));
  return await Promise.all(
    entries.map(({ name }) => name).filter((name) => name.endsWith(".sql")).sort().map(async (file) => {
      const text = await Deno.readTextFile(projectPath(`${FOLDER}/${file}`));
      return { file, text, code: text.replaceAll(/--.*$/gm, "") };
    }),
  );
}

function countLines(text: string): number {
  return text.trimEnd().split("\n").length;
}
