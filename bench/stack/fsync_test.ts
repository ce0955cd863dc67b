import assert from "node:assert/strict";
import postgres from "postgres";
import { startPostgres } from "../../local/postgres/postgres.ts";
import { waitForDisk } from "./fsync.ts";

Deno.test("a throw-away server writes without fsync, until a benchmark asks for it", async () => {
  const server = await startPostgres();
  const sql = postgres(server.url, { max: 1 });
  const fsync = async () => (await sql`show fsync`)[0]?.fsync;
  try {
    assert.equal(await fsync(), "off");
    await waitForDisk(sql);
    // The server reads its settings again a moment after it was told to.
    const limit = Date.now() + 60_000;
    while (await fsync() === "off") assert.ok(Date.now() < limit, "fsync stays off");
  } finally {
    await sql.end();
    await server.stop();
  }
});
