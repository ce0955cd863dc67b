import { splitSqlStatements } from "@supabase/lite";
import type postgres from "postgres";

/** One file of the migrations folder: `<version>_<name>.sql`. */
interface Migration {
  file: string;
  version: string;
  name: string;
}

/**
 * Applies the pending files of `folder` in order, each in one transaction, and records them as the Supabase CLI does,
 * so that its `migration list` and `db push` agree with this database. Returns the files that were applied.
 */
export async function applyMigrations(sql: postgres.Sql, folder: string): Promise<string[]> {
  await sql.unsafe(`
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text primary key);
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text;
  `);
  const rows = await sql<{ version: string }[]>`select version from supabase_migrations.schema_migrations`;
  const applied = new Set(rows.map((row) => row.version));
  const pending = (await listMigrations(folder)).filter((migration) => !applied.has(migration.version));
  for (const migration of pending) await applyMigration(sql, folder, migration);
  return pending.map((migration) => migration.file);
}

async function listMigrations(folder: string): Promise<Migration[]> {
  const migrations: Migration[] = [];
  for await (const { name: file } of Deno.readDir(folder)) {
    const [, version, name] = /^(\d+)_(.*)\.sql$/.exec(file) ?? [];
    if (version !== undefined && name !== undefined) migrations.push({ file, version, name });
  }
  return migrations.sort((a, b) => a.version < b.version ? -1 : 1);
}

async function applyMigration(sql: postgres.Sql, folder: string, { file, version, name }: Migration): Promise<void> {
  const text = await Deno.readTextFile(`${folder}/${file}`);
  try {
    await sql.begin(async (transaction) => {
      await transaction.unsafe(text);
      // A migration may have set the role or the search path of its session.
      await transaction`reset all`;
      await transaction`
        insert into supabase_migrations.schema_migrations (version, name, statements)
        values (${version}, ${name}, ${splitSqlStatements(text)})
      `;
    });
  } catch (cause) {
    throw new Error(describeFailure(`migration ${file}`, text, cause), { cause });
  }
}

/** The message for a file that failed: which, where, why, and what to do. */
export function describeFailure(what: string, text: string, cause: unknown): string {
  const { message, position, hint } = databaseError(cause);
  const line = position === undefined ? "" : ` at line ${text.slice(0, position).split("\n").length}`;
  return [
    `The ${what} failed${line}: ${message}`,
    ...(hint === undefined ? [] : [`Hint: ${hint}`]),
    "Nothing of this file was applied. The files before it are applied and recorded. Correct the file and start again.",
  ].join("\n");
}

function databaseError(cause: unknown): { message: string; position?: number; hint?: string } {
  if (!(cause instanceof Error)) return { message: String(cause) };
  return {
    message: cause.message,
    ...("position" in cause && cause.position ? { position: Number(cause.position) } : {}),
    ...("hint" in cause && cause.hint ? { hint: String(cause.hint) } : {}),
  };
}
