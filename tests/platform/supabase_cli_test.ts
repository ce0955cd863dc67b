import assert from "node:assert/strict";
import postgres from "postgres";
import { z } from "zod";
import { generateTypes, readTypes } from "../../local/commands/database-types.ts";
import { prepareDatabase } from "../../local/postgres/database.ts";
import { startPostgres } from "../../local/postgres/postgres.ts";
import { projectPath } from "../../local/machine/project.ts";
import { runSupabaseCli } from "../../local/machine/supabase-cli.ts";

/** The findings of Supabase's linter that we accept, each with its reason. */
const ACCEPTED_ADVICE: Record<string, string> = {
  unused_index: "The database is new: none of its indexes has been used yet.",
};

const pushSchema = z.object({ upToDate: z.boolean(), migrations: z.array(z.string()) });
const listSchema = z.object({ migrations: z.array(z.object({ local: z.string(), remote: z.string() })) });
const adviceSchema = z.object({
  results: z.array(z.object({ name: z.string(), level: z.string(), detail: z.string() })),
});

Deno.test("the Supabase CLI takes this project as it is", async (t) => {
  const files = await listMigrations();
  const server = await startPostgres();
  const bare = await createDatabase(server.url, "bare");
  const prepared = await createDatabase(server.url, "prepared");
  try {
    await Promise.all([prepareBootstrapOnly(bare), prepareDatabase(prepared)]);

    await t.step("db push applies every migration to a new Supabase database", async () => {
      const pushed = pushSchema.parse(await runJson(bare, "db", "push", "--yes"));
      assert.deepEqual(pushed.migrations.map((path) => path.replace(/^.*\//, "")), files);
    });

    await t.step("migration list shows every migration on both sides", async () => {
      const { migrations } = listSchema.parse(await runJson(bare, "migration", "list"));
      const versions = files.map((file) => file.replace(/_.*$/, ""));
      assert.deepEqual(migrations.map(({ local, remote }) => ({ local, remote })), versions.map(onBothSides));
    });

    await t.step("a second db push has nothing to do", () => assertUpToDate(bare));

    await t.step("nor has one to the database of the local stack", () => assertUpToDate(prepared));

    await t.step("its linter finds nothing to mend", async () => {
      const advice = adviceSchema.parse(await runJson(prepared, "db", "advisors", "--type=all", "--level=info"));
      assert.deepEqual(advice.results.filter(({ name }) => !(name in ACCEPTED_ADVICE)), []);
    });

    await t.step("the types that it generates are the committed ones", async () => {
      assert.equal(await generateTypes(bare), await readTypes(), "Run: npx -y deno@2.9.6 task types");
    });
  } finally {
    await server.stop();
  }
});

async function assertUpToDate(url: string): Promise<void> {
  assert.deepEqual(pushSchema.parse(await runJson(url, "db", "push", "--yes")), { upToDate: true, migrations: [] });
}

async function runJson(url: string, ...args: string[]): Promise<unknown> {
  const { success, stdout, stderr } = await runSupabaseCli(url, ...args);
  assert.ok(success, `supabase ${args.join(" ")} failed:\n${stdout}\n${stderr}`);
  return JSON.parse(stdout);
}

function onBothSides(version: string): { local: string; remote: string } {
  return { local: version, remote: version };
}

async function listMigrations(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(projectPath("supabase/migrations")));
  return entries.map((entry) => entry.name).sort();
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  const sql = connect(serverUrl);
  await sql`create database ${sql(name)}`;
  await sql.end();
  return serverUrl.replace(/[^/]*$/, name);
}

/** A database as hosted Supabase gives it, without anything of ours. */
async function prepareBootstrapOnly(url: string): Promise<void> {
  const empty = await Deno.makeTempDir();
  try {
    await prepareDatabase(url, { migrations: empty, seed: `${empty}/none.sql` });
    const sql = connect(url);
    await sql`drop schema supabase_migrations cascade`;
    await sql.end();
  } finally {
    await Deno.remove(empty);
  }
}

function connect(url: string): postgres.Sql {
  return postgres(url, { max: 1, onnotice: () => {} });
}
