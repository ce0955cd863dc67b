import assert from "node:assert/strict";
import { readChangeLine } from "./change-line.ts";

Deno.test("an insert is read with its names, types and values", () => {
  const line = `table public."Odd.table""s": INSERT: id[bigint]:7 "a b"[text]:'it''s [x]:''y'' ' empty[text]:null ` +
    `on[boolean]:true at[timestamp with time zone]:'2026-11-21 15:50:44.1+00' names[text[]]:'{generate,"a b"}' ` +
    `settings[jsonb]:'{"prompt": "it''s \\"quoted\\""}' last[text]:'two
lines'`;
  assert.deepEqual(readChangeLine(line), {
    type: "INSERT",
    schema: "public",
    table: 'Odd.table"s',
    row: {
      id: "7",
      "a b": "it's [x]:'y' ",
      empty: null,
      on: "true",
      at: "2026-11-21 15:50:44.1+00",
      names: '{generate,"a b"}',
      settings: { prompt: 'it\'s "quoted"' },
      last: "two\nlines",
    },
  });
});

Deno.test("an update has its new row only, without the long values that it left as they were", () => {
  const line = `table public.video_jobs: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2 ` +
    `prompt[text]:unchanged-toast-datum status[text]:'unchanged-toast-datum'`;
  assert.deepEqual(readChangeLine(line)?.row, { id: "2", status: "unchanged-toast-datum" });
  assert.equal(readChangeLine(line)?.type, "UPDATE");
});

for (
  const line of [
    "BEGIN",
    "COMMIT (at 2026-11-21 15:50:44.123+00)",
    "table public.video_jobs: DELETE: id[integer]:1",
    "table public.a, public.b: TRUNCATE: (no-flags)",
  ]
) {
  Deno.test(`"${line}" is no written row`, () => assert.equal(readChangeLine(line), null));
}
