import assert from "node:assert/strict";
import postgres from "postgres";
import { prepareDatabase } from "./database.ts";
import { startPostgres } from "./postgres.ts";

Deno.test("PostgreSQL comes back from a crash with its data, and leaves nothing behind when it stops", async () => {
  const server = await startPostgres();
  const sql = postgres(server.url, { max: 1 });
  await sql`create table kept (n int)`;
  const [folder] = await sql<{ data_directory: string }[]>`show data_directory`;
  server.kill();
  await server.restart();
  assert.deepEqual([...await sql`select count(*)::int from kept`], [{ count: 0 }]);
  await sql.end();
  await server.stop();
  await assert.rejects(Deno.stat(folder?.data_directory ?? ""), Deno.errors.NotFound);
  await assert.rejects(Deno.connect({ port: Number(new URL(server.url).port) }));
});

Deno.test("a server begins with a copy of the data of one that was shut down", async () => {
  const first = await startPostgres();
  const before = postgres(first.url, { max: 1 });
  await before`create table kept as select 7 as n`;
  await before.end();
  const template = await first.shutDown();
  const second = await startPostgres({ template });
  const sql = postgres(second.url, { max: 1 });
  try {
    await sql`insert into kept values (8)`;
    assert.deepEqual([...await sql`select n from kept order by n`], [{ n: 7 }, { n: 8 }]);
    await first.restart();
    const again = postgres(first.url, { max: 1 });
    assert.deepEqual([...await again`select n from kept`], [{ n: 7 }]);
    await again.end();
  } finally {
    await sql.end();
    await Promise.all([first.stop(), second.stop()]);
  }
  await assert.rejects(Deno.stat(template), Deno.errors.NotFound);
});

Deno.test("migrations are recorded as the Supabase CLI records them, applied once, and blamed by name", async () => {
  const server = await startPostgres();
  const sql = postgres(server.url, { max: 1 });
  const files = { migrations: await Deno.makeTempDir(), seed: "/nowhere/seed.sql" };
  const write = (name: string, text: string) => Deno.writeTextFile(`${files.migrations}/${name}`, text);
  try {
    await write("20260101000000_first.sql", "create table a ();\n\n-- two\ncreate table b ();");
    assert.deepEqual(await prepareDatabase(server.url, files), ["20260101000000_first.sql"]);
    assert.deepEqual(await prepareDatabase(server.url, files), []);
    await write("20260102000000_second.sql", "create table c ();\nselect 1 / 0;");
    await assert.rejects(prepareDatabase(server.url, files), /20260102000000_second\.sql failed.*: division by zero/);
    await write("20260102000000_second.sql", "create table c ();\nselect nothing;");
    await assert.rejects(
      prepareDatabase(server.url, files),
      /second\.sql failed at line 2: .*"nothing" does not exist/,
    );
    assert.deepEqual([...await sql`select * from supabase_migrations.schema_migrations`], [
      { version: "20260101000000", statements: ["create table a ()", "-- two\ncreate table b ()"], name: "first" },
    ]);
    assert.deepEqual([...await sql`select to_regclass('public.c') as c`], [{ c: null }]);
  } finally {
    await sql.end();
    await server.stop();
    await Deno.remove(files.migrations, { recursive: true });
  }
});
