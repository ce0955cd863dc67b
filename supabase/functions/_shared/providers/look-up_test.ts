import assert from "node:assert/strict";
import { lookUp } from "./look-up.ts";

const { signal } = new AbortController();

Deno.test("a name of this machine leads to this machine", async () => {
  assert.ok((await lookUp("localhost", signal))?.includes("127.0.0.1"));
});

Deno.test("a name that nobody has leads nowhere", async () => {
  assert.deepEqual(await lookUp("nobody.invalid", signal), []);
});

Deno.test("a runtime without DNS cannot tell", async () => {
  const { resolveDns } = Deno;
  try {
    Reflect.set(Deno, "resolveDns", undefined);
    assert.equal(await lookUp("localhost", signal), null);
    Reflect.set(Deno, "resolveDns", () => Promise.reject(new Deno.errors.PermissionDenied("no")));
    assert.equal(await lookUp("localhost", signal), null);
  } finally {
    Reflect.set(Deno, "resolveDns", resolveDns);
  }
});
