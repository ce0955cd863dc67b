import assert from "node:assert/strict";
import { asDownload, fileName } from "./download-name.ts";

const NAMES: [wish: string, name: string][] = [
  ["holiday", "holiday.mp4"],
  ["holiday.mp4", "holiday.mp4"],
  ["holiday.MP4", "holiday.mp4"],
  ["Gün batımı 日没", "Gün batımı 日没.mp4"],
  ["../../etc/passwd", "_.._etc_passwd.mp4"],
  ["C:\\Windows\\a.exe", "C__Windows_a.exe.mp4"],
  ['a"; filename="b.exe', "a__ filename=_b.exe.mp4"],
  ["two\r\nlines\0", "two lines.mp4"],
  ["gpj.\u202e4pm", "gpj.4pm.mp4"],
  [".hidden. ", "hidden.mp4"],
  ["", "video.mp4"],
  [" . ", "video.mp4"],
  [".mp4", "mp4.mp4"],
  ["\ud800", "\ufffd.mp4"],
  ["é".repeat(500), `${"é".repeat(60)}.mp4`],
  ["🎬".repeat(500), `${"🎬".repeat(60)}.mp4`],
];

for (const [wish, name] of NAMES) {
  Deno.test(`a download asked for as ${JSON.stringify(wish.slice(0, 20))} is named ${JSON.stringify(name.slice(0, 24))}`, () => {
    assert.equal(fileName(wish, "video", ".mp4"), name);
  });
}

Deno.test("the name goes with the signed URL, encoded once", () => {
  assert.equal(
    asDownload("https://x.supabase.co/storage/v1/object/sign/videos/a.mp4?token=a.b-c_d", "Gün 1&2.mp4"),
    "https://x.supabase.co/storage/v1/object/sign/videos/a.mp4?token=a.b-c_d&download=G%C3%BCn+1%262.mp4",
  );
});
