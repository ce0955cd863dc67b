import assert from "node:assert/strict";
import { publicUrl } from "./video-fields.ts";

const SPELLINGS: [given: string, kept: string][] = [
  ["HTTPS://EXAMPLE.com/A.png", "https://example.com/A.png"],
  ["https://example.com", "https://example.com/"],
  ["https://example.com:443/a.png", "https://example.com/a.png"],
  ["https:\\\\example.com\\a.png", "https://example.com/a.png"],
  ["https:example.com/a.png", "https://example.com/a.png"],
  ["  https://exa\tmple.com/a\n.png", "https://example.com/a.png"],
  ["https://example.com/a/../b.png", "https://example.com/b.png"],
  ["https://example.com/a b.png", "https://example.com/a%20b.png"],
  ["https://bücher.example/ü.png", "https://xn--bcher-kva.example/%C3%BC.png"],
  ["https://0x5d.0xb8.0xd8.0x22/", "https://93.184.216.34/"],
];

for (const [given, kept] of SPELLINGS) {
  Deno.test(`the address ${JSON.stringify(given)} is kept as ${kept}`, () =>
    assert.equal(publicUrl.parse(given), kept));
}

Deno.test("an address that is too long when it is percent-encoded is refused", () => {
  assert.equal(publicUrl.safeParse(`https://example.com/${"ü".repeat(1000)}`).success, false);
  assert.equal(publicUrl.parse(`https://example.com/${"a".repeat(2028)}`).length, 2048);
});
