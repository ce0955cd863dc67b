import assert from "node:assert/strict";
import { shortened } from "./alerts.ts";

Deno.test("an alert lost: no text that somebody wrote keeps a request's alerts out of the table", () => {
  const { cut, nul, number } = shortened({ cut: `${"x".repeat(499)}😀`, nul: "a\0b", number: 3 });
  assert.deepEqual([cut, nul, number], [`${"x".repeat(499)}\ufffd`, "a\ufffdb", 3]);
});
