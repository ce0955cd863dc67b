import assert from "node:assert/strict";
import { parseSrt } from "./srt.ts";

Deno.test("an SRT is read with its texts as they are", () => {
  const srt =
    "\ufeff1\r\n00:00:00,000 --> 00:00:02,500\r\n<b>One</b> {\\an8}\r\nTwo\r\n\r\n\r\n2\n01:02:03.4 --> 01:02:04,004\nThree\n";
  assert.deepEqual(parseSrt(srt), [
    { start: 0, end: 2.5, text: "<b>One</b> {\\an8}\nTwo" },
    { start: 3723.4, end: 3724.004, text: "Three" },
  ]);
});

const BAD: [what: string, srt: string][] = [
  ["nothing", ""],
  ["a text without times", "1\nHello"],
  ["times without a number", "00:00:00,000 --> 00:00:01,000\nHello"],
  ["times without a text", "1\n00:00:00,000 --> 00:00:01,000"],
  ["an end that is not after its start", "1\n00:00:01,000 --> 00:00:01,000\nHello"],
  ["WebVTT", "WEBVTT\n\n00:00.000 --> 00:01.000\nHello"],
];

for (const [what, srt] of BAD) {
  Deno.test(`${what} is no SRT`, () => assert.equal(parseSrt(srt), null));
}
