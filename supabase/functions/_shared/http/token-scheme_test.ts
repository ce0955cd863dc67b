import assert from "node:assert/strict";
import { tokenOf } from "./token-scheme.ts";

for (const scheme of ["Token", "token", "TOKEN", "bearer", "BEARER", "Bearer"]) {
  Deno.test(`${scheme} is a bearer token`, () => {
    assert.equal(tokenOf(new Headers({ authorization: `${scheme} a.b.c` })), "a.b.c");
  });
}

for (const authorization of ["Token", "Token a b", "Tokens a.b.c", "Basic dTpw", "X Token a"]) {
  Deno.test(`"${authorization}" is no token`, () => assert.equal(tokenOf(new Headers({ authorization })), null));
}

Deno.test("headers without authorization have no token", () => assert.equal(tokenOf(new Headers()), null));
