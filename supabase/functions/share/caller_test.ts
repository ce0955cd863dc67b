import assert from "node:assert/strict";
import { callerOf } from "./caller.ts";

const caller = (headers: HeadersInit) => callerOf(new Headers(headers));

Deno.test("an address that a client writes in front of the server's changes nothing", () => {
  for (const given of ["", "10.0.0.1, ", "unknown,, ", "198.51.100.7, 10.0.0.1 , "]) {
    assert.equal(caller({ "X-Forwarded-For": `${given}203.0.113.9` }), "203.0.113.9");
  }
  assert.equal(caller({ "X-Forwarded-For": "10.0.0.1", "CF-Connecting-IP": "203.0.113.9" }), "203.0.113.9");
});

Deno.test("the addresses of one IPv6 network are one caller, in every spelling", () => {
  const network = "2001:db8:1:2::";
  for (
    const address of ["2001:db8:1:2::1", "2001:0DB8:0001:0002:a:b:c:d", "2001:db8:1:2:ffff::", "2001:db8:1:2::1.2.3.4"]
  ) {
    assert.equal(caller({ "CF-Connecting-IP": address }), network, address);
  }
  for (const address of ["2001:db8:1:3::1", "2001:db8::1", "2001:db9:1:2::1"]) {
    assert.notEqual(caller({ "CF-Connecting-IP": address }), network, address);
  }
});

Deno.test("what is no address is not remembered", () => {
  for (
    const text of [
      "",
      " ",
      "unknown",
      "a".repeat(10_000),
      "1.2.3",
      "1.2.3.4:80",
      ":::",
      "[::1]",
      "::1/64",
      "é".slice(1),
    ]
  ) {
    assert.equal(caller({ "CF-Connecting-IP": text }), "", text);
  }
  assert.equal(caller({}), "");
});
