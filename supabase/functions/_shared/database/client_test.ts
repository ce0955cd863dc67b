import { createClient } from "@supabase/supabase-js";
import assert from "node:assert/strict";
import { z } from "zod";
import type { Database } from "./database.types.ts";
import { callProcedure, DatabaseError } from "./client.ts";
import { ServerTiming } from "../runtime/server-timing.ts";

/** A database that answers a call with each of these in turn, and counts the calls. */
function databaseThatAnswers(...codes: (string | null)[]) {
  let calls = 0;
  const client = createClient<Database>("http://database.test", "sb_secret_test", {
    auth: { persistSession: false, autoRefreshToken: false },
    global: {
      fetch: () => {
        const code = codes[calls++] ?? null;
        return Promise.resolve(
          code === null ? Response.json({ open: 1 }) : Response.json({ code, message: "no" }, { status: 500 }),
        );
      },
    },
  });
  return {
    call: () => callProcedure({ client, timing: new ServerTiming() }, z.object({ open: z.number() }), "health", {}),
    calls: () => calls,
  };
}

for (const code of ["40001", "40P01"]) {
  Deno.test(`a call that had to give way to another transaction (${code}) is made once more`, async () => {
    const database = databaseThatAnswers(code, null);
    assert.deepEqual(await database.call(), { open: 1 });
    assert.equal(database.calls(), 2);
  });

  Deno.test(`a call that had to give way four times (${code}) is an error`, async () => {
    const database = databaseThatAnswers(code, code, code, code, null);
    await assert.rejects(database.call(), DatabaseError);
    assert.equal(database.calls(), 4);
  });
}

Deno.test("a call that was refused for another reason is not repeated", async () => {
  const database = databaseThatAnswers("23514", null);
  await assert.rejects(database.call(), DatabaseError);
  assert.equal(database.calls(), 1);
});
