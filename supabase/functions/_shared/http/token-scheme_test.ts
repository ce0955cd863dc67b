import assert from "node:assert/strict";
import { withBearer } from "./token-scheme.ts";

function seen(authorization: string): string | null {
  return withBearer(new Headers({ authorization, apikey: "kept" })).get("authorization");
}

for (const scheme of ["Token", "token", "TOKEN", "bearer", "BEARER", "Bearer"]) {
  Deno.test(`${scheme} is a bearer token`, () => assert.equal(seen(`${scheme} a.b.c`), "Bearer a.b.c"));
}

for (const authorization of ["Token", "Token a b", "Tokens a.b.c", "Basic dTpw", "X Token a"]) {
  Deno.test(`"${authorization}" stays as it is`, () => assert.equal(seen(authorization), authorization));
}

Deno.test("the other headers are kept", () => {
  const headers = withBearer(new Headers({ authorization: "Token a", apikey: "kept" }));
  assert.equal(headers.get("apikey"), "kept");
});

Deno.test("headers without authorization stay as they are", () => {
  assert.equal(withBearer(new Headers()).get("authorization"), null);
});
