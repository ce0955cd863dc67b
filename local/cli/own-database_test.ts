import assert from "node:assert/strict";
import postgres from "postgres";
import { prepareDatabase } from "../postgres/database.ts";
import { chooseDatabase, type DatabaseFacts, inspectDatabase, refuseDatabase } from "./own-database.ts";
import { startPostgres } from "../postgres/postgres.ts";

const facts: DatabaseFacts = {
  name: "shop",
  server: "127.0.0.1:5432",
  version: "17.2",
  majorVersion: 17,
  applied: 0,
  foreign: [],
};
const here = { "remote-database": false };

Deno.test("a database with other tables is not touched; an empty one and our own are taken", async () => {
  const server = await startPostgres();
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  async function create(name: string, ...statements: string[]): Promise<string> {
    await admin`create database ${admin(name)}`;
    const url = server.url.replace(/[^/]*$/, name);
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    for (const statement of statements) await sql.unsafe(statement);
    await sql.end();
    return url;
  }
  try {
    const empty = await create("empty");
    assert.equal(await chooseDatabase({ ...here, database: empty }, {}), empty);
    await prepareDatabase(empty);
    const { applied, foreign } = await inspectDatabase(empty);
    assert.ok(applied > 0);
    assert.deepEqual(foreign, []);

    const others: [name: string, statement: string, shown: RegExp][] = [
      ["shop", "create table orders (id int)", /holds the table public\.orders\. Nothing was written/],
      ["crm", "create schema crm; create table crm.people ()", /holds the schema crm\./],
      ["login", "create schema auth; create table auth.users (id int)", /holds the schema auth\./],
      [
        "sibling",
        "create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text);" +
        "insert into supabase_migrations.schema_migrations values ('20200101000000')",
        /holds the migration 20200101000000/,
      ],
    ];
    for (const [name, statement, shown] of others) {
      const url = await create(name, statement);
      await assert.rejects(chooseDatabase({ ...here, database: url }, {}), shown);
      await assert.rejects(chooseDatabase(here, { DATABASE_URL: url }), /createdb reelmint/);
    }
  } finally {
    await admin.end();
    await server.stop();
  }
});

Deno.test("the shell's DATABASE_URL is never taken", async () => {
  const before = Deno.env.get("DATABASE_URL");
  Deno.env.set("DATABASE_URL", "postgresql://postgres@127.0.0.1:1/somebody");
  try {
    assert.equal(await chooseDatabase(here, {}), undefined);
  } finally {
    if (before === undefined) Deno.env.delete("DATABASE_URL");
    else Deno.env.set("DATABASE_URL", before);
  }
});

Deno.test("a database on another machine is asked nothing without a word from the user", async () => {
  const database = "postgresql://postgres:secret@db.example.com:5432/postgres";
  await assert.rejects(chooseDatabase({ ...here, database }, {}), (error: Error) => {
    assert.match(error.message, /another machine, db\.example\.com:5432.*--remote-database/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

Deno.test("another version of PostgreSQL is refused with the way out", () => {
  assert.match(refuseDatabase({ ...facts, majorVersion: 15, version: "15.8" }) ?? "", /needs PostgreSQL 17.*is 15\.8/);
  assert.equal(refuseDatabase(facts), undefined);
});

Deno.test("what is no database's address, or a server that does not answer, is a sentence", async () => {
  await assert.rejects(
    chooseDatabase({ ...here, database: "shop" }, {}),
    /postgresql:\/\/user:password@host:port\/name/,
  );
  const database = "postgresql://postgres:secret@127.0.0.1:1/shop";
  await assert.rejects(chooseDatabase({ ...here, database }, {}), /127\.0\.0\.1:1 cannot be used/);
});
