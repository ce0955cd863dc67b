import assert from "node:assert/strict";
import { resolveHost } from "./resolve-host.ts";

const { signal } = new AbortController();

Deno.test("localhost is resolved to this machine", async () => {
  assert.ok((await resolveHost("localhost", signal))?.includes("127.0.0.1"));
});

Deno.test("a name that does not exist has no addresses", async () => {
  assert.deepEqual(await resolveHost("nobody.invalid", signal), []);
});

Deno.test("a runtime without DNS returns null", async () => {
  const { resolveDns } = Deno;
  try {
    Reflect.set(Deno, "resolveDns", undefined);
    assert.equal(await resolveHost("localhost", signal), null);
    Reflect.set(Deno, "resolveDns", () => Promise.reject(new Deno.errors.PermissionDenied("no")));
    assert.equal(await resolveHost("localhost", signal), null);
  } finally {
    Reflect.set(Deno, "resolveDns", resolveDns);
  }
});
