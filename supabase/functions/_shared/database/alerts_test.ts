import assert from "node:assert/strict";
import { shortened } from "./alerts.ts";

Deno.test("NUL and half an emoji in a text keep no alert out of the table", () => {
  const { cut, nul, number } = shortened({ cut: `${"x".repeat(499)}😀`, nul: "a\0b", number: 3 });
  assert.deepEqual([cut, nul, number], [`${"x".repeat(499)}\ufffd`, "a\ufffdb", 3]);
});
