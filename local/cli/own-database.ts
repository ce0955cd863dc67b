import postgres from "postgres";
import { UsageError } from "./arguments.ts";
import { projectPath } from "../machine/project.ts";
import { printNote } from "./terminal.ts";

/** The flags that name a PostgreSQL to use instead of the throw-away one. */
export interface DatabaseFlags {
  database?: string | undefined;
  "remote-database": boolean;
}

/** The contents of a database before anything is written into it. */
export interface DatabaseFacts {
  name: string;
  server: string;
  version: string;
  majorVersion: number;
  /** How many of our migrations it has. */
  applied: number;
  /** The names of tables, schemas and migrations that are not ours. */
  foreign: string[];
}

const NEEDED_VERSION = 17;
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];
const NAMES_SHOWN = 5;

/**
 * The database that the flag or the file `.env` names, once it is known to be empty or ours; undefined for a throw-away
 * one. A variable of the shell is never used: it may belong to another project. Throws `UsageError`.
 */
export async function chooseDatabase(
  flags: DatabaseFlags,
  dotenv: Record<string, string>,
): Promise<string | undefined> {
  const url = flags.database ?? dotenv.DATABASE_URL;
  if (!url) {
    if (Deno.env.get("DATABASE_URL")) {
      printNote('DATABASE_URL of the shell is not used. To use that database, add --database "$DATABASE_URL".');
    }
    return undefined;
  }
  const server = readServer(url);
  if (!LOOPBACK.includes(server.hostname) && !flags["remote-database"]) {
    throw new UsageError(
      `The database is on another machine, ${server.host}. Reelmint would create its tables and roles there, and offer ` +
        "the models of simulators. If you want that, add --remote-database. For a hosted project use " +
        "`supabase db push`, see README.md.",
    );
  }
  const facts = await inspectDatabase(url);
  printNote(describeDatabase(facts));
  const refusal = refuseDatabase(facts);
  if (refusal !== undefined) throw new UsageError(refusal);
  return url;
}

/** The reason for which Reelmint does not write into this database; undefined where it may. */
export function refuseDatabase({ name, majorVersion, version, foreign }: DatabaseFacts): string | undefined {
  if (majorVersion !== NEEDED_VERSION) {
    return `Reelmint needs PostgreSQL ${NEEDED_VERSION}, the version of hosted Supabase. This database is ${version}. ` +
      "Without --database and DATABASE_URL in .env a throw-away one of the right version is started.";
  }
  if (foreign.length === 0) return undefined;
  const shown = foreign.slice(0, NAMES_SHOWN).join(", ");
  const more = foreign.length > NAMES_SHOWN ? ` and ${foreign.length - NAMES_SHOWN} more` : "";
  return `The database ${name} belongs to something else: it holds ${shown}${more}. Nothing was written. ` +
    "Create an empty one (createdb reelmint) and name it with --database, or leave --database out.";
}

function describeDatabase({ name, server, version, applied }: DatabaseFacts): string {
  const state = applied === 0 ? "still without Reelmint's tables" : `with ${applied} of Reelmint's migrations`;
  return `Using the database ${name} on ${server}, PostgreSQL ${version}, ${state}.`;
}

/** Reads what a database contains. Writes nothing. */
export async function inspectDatabase(url: string): Promise<DatabaseFacts> {
  const { host } = readServer(url);
  const sql = postgres(url, { max: 1, onnotice: () => {}, connect_timeout: 10 });
  try {
    const [about] = await sql<{ name: string; version: string; major: number; supabase: boolean }[]>`
      select current_database() as name, current_setting('server_version') as version,
        current_setting('server_version_num')::int / 10000 as major,
        exists (select from pg_roles where rolname = 'supabase_admin') as supabase`;
    if (about === undefined) throw new Error("the server did not report its version");
    const migrations = await readMigrations(sql);
    const ours = await listOurVersions();
    const applied = (migrations ?? []).filter((version) => ours.has(version)).length;
    const foreign = applied > 0 ? [] : [
      ...await listForeign(sql, about.supabase || migrations !== undefined),
      ...(migrations ?? []).map((version) => `the migration ${version}`),
    ];
    const { name, version, major } = about;
    return { name, server: host, version, majorVersion: major, applied, foreign };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`The database at ${host} cannot be used: ${reason}`, { cause });
  } finally {
    await sql.end();
  }
}

function readServer(url: string): URL {
  const parsed = URL.parse(url);
  if (parsed === null || !["postgres:", "postgresql:"].includes(parsed.protocol) || parsed.hostname === "") {
    throw new UsageError("The address of the database must be postgresql://user:password@host:port/name.");
  }
  // `URL` keeps the host of a scheme that it does not know as it was written.
  return parsed;
}

/** The versions in the Supabase CLI's table; undefined where that table does not exist. */
async function readMigrations(sql: postgres.Sql): Promise<string[] | undefined> {
  const [table] = await sql`select to_regclass('supabase_migrations.schema_migrations') as name`;
  if (table?.name === null) return undefined;
  const rows = await sql<{ version: string }[]>`select version from supabase_migrations.schema_migrations`;
  return rows.map(({ version }) => version);
}

async function listOurVersions(): Promise<Set<string>> {
  const files = await Array.fromAsync(Deno.readDir(projectPath("supabase/migrations")));
  return new Set(files.map(({ name }) => name.replace(/_.*$/, "")));
}

/** Every schema that is not Supabase's own and every table in `public`. Those of extensions do not count. */
async function listForeign(sql: postgres.Sql, isSupabase: boolean): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select format('the schema %I', nspname) as name from pg_namespace
    where nspname !~ '^pg_' and nspname not in ('public', 'information_schema')
      and not (${isSupabase} and nspname = any(${SUPABASE_SCHEMAS}))
      and not exists (select from pg_depend where objid = pg_namespace.oid and deptype = 'e')
    union all
    select format('the table public.%I', relname) from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
      and not exists (select from pg_depend where objid = pg_class.oid and deptype = 'e')
    order by name`;
  return rows.map(({ name }) => name);
}

const SUPABASE_SCHEMAS = [
  "auth",
  "storage",
  "extensions",
  "supabase_migrations",
  "supabase_functions",
  "realtime",
  "_realtime",
  "graphql",
  "graphql_public",
  "vault",
  "net",
  "cron",
  "pgbouncer",
  "pgsodium",
  "pgsodium_masks",
  "pgmq",
];
