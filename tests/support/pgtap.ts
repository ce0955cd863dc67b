import { splitSqlStatements } from "@supabase/lite";
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";

/** A pgTAP file that one of its own statements ended too early. */
export class BrokenOff extends Error {
  override readonly name = "BrokenOff";
  constructor(readonly statement: string, readonly lines: string[], cause: Error) {
    super(`${cause.message}\nin the statement\n${statement}`, { cause });
  }
}

/** A test that was run, by its line of the Test Anything Protocol. */
export interface TestLine {
  name: string;
  passed: boolean;
}

/** Loads pgTAP where `supabase test db` loads it. The server's own package has no extension of that name. */
export async function loadPgTap(url: string): Promise<void> {
  const archive = fileURLToPath(import.meta.resolve("pgtap")).replace(/index\.js$/, "pgtap.tar.gz");
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

/** Runs a pgTAP file and answers with the lines of its Test Anything Protocol. Throws `BrokenOff`. */
export async function runPgTap(url: string, path: string): Promise<string[]> {
  const text = await readScript(path);
  const sql = connect(url);
  const output: string[] = [];
  try {
    for (const statement of splitSqlStatements(text)) {
      const rows = await sql.unsafe(statement).values().catch((cause) => {
        throw new BrokenOff(statement, toLines(output), cause);
      });
      output.push(...rows.flat().filter((value) => typeof value === "string"));
    }
  } finally {
    await sql.end();
  }
  return toLines(output);
}

/** The tests that were run, in their order, by the lines of a Test Anything Protocol. */
export function readTests(lines: readonly string[]): TestLine[] {
  return lines.flatMap((line) => {
    const [, not, name] = /^(not )?ok \d+ - (.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name: name.replaceAll(/\\(.)/g, "$1"), passed: not === undefined }];
  });
}

/**
 * A script with the files that it includes. Of psql's own commands only `\ir <path>` is understood, so that `supabase test
 * db`, which runs psql, reads the same files.
 */
async function readScript(path: string): Promise<string> {
  const lines = (await Deno.readTextFile(path)).split("\n");
  const texts = await Promise.all(lines.map((line) => {
    const [, included] = /^\\ir (\S+)$/.exec(line) ?? [];
    return included === undefined ? line : readScript(join(dirname(path), included));
  }));
  return texts.join("\n");
}

function toLines(output: string[]): string[] {
  return output.join("\n").split("\n");
}

function connect(url: string): postgres.Sql {
  return postgres(url, { max: 1, onnotice: () => {} });
}
