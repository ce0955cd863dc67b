import assert from "node:assert/strict";
import { readFilter } from "./change-filter.ts";

for (
  const [text, expected] of [
    ["user_id=eq.a-b", { column: "user_id", operator: "=", value: "a-b" }],
    [" status=neq.completed ", { column: "status", operator: "<>", value: "completed" }],
    ["id=gte.5", { column: "id", operator: ">=", value: "5" }],
    ["status=in.(pending,processing)", { column: "status", operator: "= any", value: "{pending,processing}" }],
    ["prompt=eq.a=b.c", { column: "prompt", operator: "=", value: "a=b.c" }],
    ["  ", null],
    [undefined, null],
  ] as const
) {
  Deno.test(`the filter "${text}" is read`, () => assert.deepEqual(readFilter(text), expected));
}

for (const text of ["undefined", "id=5", "id=foo.5", "id=constructor.5", "status=in.a", "id=gt.0,id=lt.9"]) {
  Deno.test(`the filter "${text}" is refused`, () => assert.throws(() => readFilter(text), /Error parsing `filter`/));
}
