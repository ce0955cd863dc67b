// docs/state-machine.md and the database say the same.
import assert from "node:assert/strict";
import postgres from "postgres";
import { z } from "zod";
import { startDatabase } from "../support/database.ts";

const changes = z.array(z.object({
  from_status: z.string(),
  from_stage: z.string(),
  to_status: z.string(),
  to_stage: z.string(),
  made_by: z.array(z.string()),
}));

const page = await Deno.readTextFile(new URL("../../docs/state-machine.md", import.meta.url));

async function readChanges(): Promise<z.infer<typeof changes>> {
  const server = await startDatabase();
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  try {
    return changes.parse(await sql`select * from private.job_changes()`);
  } finally {
    await sql.end();
    await server.stop();
  }
}

Deno.test("docs/state-machine.md shows every change of a job that the database allows, and no other", async () => {
  const allowed = await readChanges();
  const [, table = ""] = page.split("| from ");
  const documented = table.split("\n").filter((line) => /^\| \w+ \(/.test(line))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  assert.deepEqual(
    documented,
    allowed.map((change) => [
      `${change.from_status} (${change.from_stage})`,
      `${change.to_status} (${change.to_stage})`,
      change.made_by.map((name) => `\`${name}\``).join(", "),
    ]),
  );

  const drawn = Array.from(page.matchAll(/^ {2}(\w+) --> (\w+)$/gm), ([, from, to]) => `${from} ${to}`);
  const nodeOf = (status: string, stage: string) => status === "pending" ? `${status}_${stage}` : stage;
  assert.deepEqual(
    drawn.sort(),
    allowed.map((change) =>
      `${nodeOf(change.from_status, change.from_stage)} ${nodeOf(change.to_status, change.to_stage)}`
    ).sort(),
  );
});
