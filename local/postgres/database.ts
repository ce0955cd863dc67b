import { getAuthSchemaSql, getStorageSchemaSql } from "@supabase/lite";
import postgres from "postgres";
import { projectPath } from "../machine/project.ts";
import { applyMigrations, describeFailure } from "./migrations.ts";

/** The files that make the database. By default they are the project's own. */
export interface DatabaseFiles {
  migrations?: string;
  seed?: string;
}

// Two stacks that start on one database wait for each other. The number is arbitrary.
const PREPARATION_LOCK = 7_361_552;

/**
 * Makes a plain PostgreSQL like that of a new Supabase project, applies the pending migrations, then the catalogue. It can
 * be repeated: what exists already is not changed. Returns the migrations that were applied.
 */
export async function prepareDatabase(url: string, files: DatabaseFiles = {}): Promise<string[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connect_timeout: 10 });
  try {
    await sql`select pg_advisory_lock(${PREPARATION_LOCK})`;
    await bootstrap(sql);
    const applied = await applyMigrations(sql, files.migrations ?? projectPath("supabase/migrations"));
    await seed(sql, files.seed ?? projectPath("supabase/seed.sql"));
    return applied;
  } finally {
    await sql.end();
  }
}

async function bootstrap(sql: postgres.Sql): Promise<void> {
  // A hosted project has all of this already, and does not allow replacing it.
  const [hosted] = await sql`select from pg_roles where rolname = 'supabase_admin'`;
  if (hosted) return;
  const ours = await Deno.readTextFile(new URL("bootstrap.sql", import.meta.url));
  await sql.begin((transaction) => transaction.unsafe([getAuthSchemaSql(), getStorageSchemaSql(), ours].join("\n")));
}

async function seed(sql: postgres.Sql, file: string): Promise<void> {
  const text = await Deno.readTextFile(file).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  if (text === "") return;
  try {
    await sql.begin((transaction) => transaction.unsafe(text));
  } catch (cause) {
    throw new Error(describeFailure(`seed ${file}`, text, cause), { cause });
  }
}
