import assert from "node:assert/strict";
import { imageTypeOf, SIGNATURE_BYTES } from "./image-signature.ts";

const text = (bytes: string) => Uint8Array.from(bytes, (character) => character.charCodeAt(0));

/** The first bytes of real files, as their encoders write them. */
const FILES: [what: string, bytes: Uint8Array, type: string | null][] = [
  ["a PNG", text("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "image/png"],
  ["a JPEG of a camera", text("\xff\xd8\xff\xe1\x1f\xfeExif\0\0"), "image/jpeg"],
  ["a JPEG of a browser", text("\xff\xd8\xff\xe0\0\x10JFIF\0"), "image/jpeg"],
  ["a WebP", text("RIFF\x24\x10\0\0WEBPVP8 "), "image/webp"],
  ["a GIF of 1987", text("GIF87a\x01\0\x01\0\x80\0"), "image/gif"],
  ["a GIF of 1989", text("GIF89a\x01\0\x01\0\x80\0"), "image/gif"],
  ["HTML", text("<!doctype html><script>"), null],
  ["an SVG", text('<svg xmlns="http'), null],
  ["a sound in the same container as a WebP", text("RIFF\x24\x10\0\0WAVEfmt "), null],
  ["a film of a phone", text("\0\0\0\x1cftypheic"), null],
  ["a PNG that broke off", text("\x89PNG\r\n"), null],
  ["nothing", new Uint8Array(), null],
];

for (const [what, bytes, type] of FILES) {
  Deno.test(`${what} is ${type ?? "no image"} by its first bytes`, () => {
    assert.equal(imageTypeOf(bytes), type);
    assert.equal(imageTypeOf(bytes.subarray(0, SIGNATURE_BYTES)), type);
  });
}
