import assert from "node:assert/strict";
import { factsOf } from "./send-once.ts";

function waitOf(header: string | null): number | undefined {
  const headers = new Headers(header === null ? {} : { "Retry-After": header });
  return factsOf({ status: 429, headers, body: null }).retryAfterSeconds;
}

Deno.test("Retry-After is a number of seconds", () => {
  assert.deepEqual(["0", "7", " 30 "].map(waitOf), [0, 7, 30]);
});

Deno.test("Retry-After is a date, and one that is over is no wait", () => {
  const wait = waitOf(new Date(Date.now() + 60_000).toUTCString()) ?? NaN;
  assert.ok(wait > 55 && wait <= 60, `${wait}`);
  assert.equal(waitOf("Fri, 21 Nov 2025 12:00:00 GMT"), 0);
});

Deno.test("without a Retry-After that makes sense nothing is known", () => {
  assert.deepEqual([null, "", "soon", "-"].map(waitOf), [undefined, undefined, undefined, undefined]);
});
