import assert from "node:assert/strict";
import { readImportFile } from "./import-lines.ts";

/** Checks a file of this text. */
async function check(text: string | Uint8Array<ArrayBuffer>) {
  const path = await Deno.makeTempFile({ suffix: ".ndjson" });
  await Deno.writeFile(path, typeof text === "string" ? new TextEncoder().encode(text) : text);
  const file = await readImportFile(path);
  await Deno.remove(path);
  return file;
}

const lines = (...values: unknown[]) => values.map((value) => JSON.stringify(value)).join("\n");
const ANNA = { type: "user", id: "anna", email: "anna@example.com" };
const BEN = { type: "user", id: "ben", email: "ben@example.com" };
const JOB = "A0000000-0000-4000-8000-00000000000A";
const ID = "00000000-0000-4000-8000-000000000001";

function video(fields: Record<string, unknown> = {}) {
  return {
    type: "video",
    id: crypto.randomUUID(),
    user: "anna",
    prompt: "A paper boat",
    status: "completed",
    video_url: "https://files.example.com/v.mp4",
    created_at: "2024-01-15T10:30:00Z",
    ...fields,
  };
}

const deep = "[".repeat(50_000) + "]".repeat(50_000);

for (
  const [what, text, problem] of [
    [
      "settings that are nested too deep",
      lines(video({ settings: { x: 0 } })).replace('"x":0', `"x":${deep}`),
      "deeper",
    ],
    ["settings that are too large", lines(video({ settings: { x: "x".repeat(262_144) } })), "256 KiB"],
    ["the year 0", lines(video({ created_at: "0000-01-01T00:00:00Z" })), "created_at: must be a time"],
    ["a zone of 16 hours", lines(video({ created_at: "2024-01-15T10:30:00+16:00" })), "created_at: must be a time"],
    ["a time to come", lines(video({ created_at: "2999-01-01T00:00:00Z" })), "created_at: is in the future"],
    ["a file of the machine", lines(video({ video_url: "file:///etc/passwd" })), "video_url: must be an address"],
    [
      "an address with a password",
      lines(video({ video_url: "https://me:secret@example.com/v" })),
      "video_url: must have no",
    ],
    ["a negative price", lines(video({ credits_used: -1 })), "credits_used"],
    [
      "two videos of one job",
      lines(video({ job_id: JOB }), video({ job_id: JOB.toLowerCase() })),
      "job_id: another video",
    ],
    ["two videos of one id", lines(video({ id: 7 }), video({ id: "7" })), "this video has another line"],
    ["a zero character", lines(video({ settings: { "a\0": 1 } })), "character that Postgres"],
  ] as const
) {
  Deno.test(`${what}: the line is named, and of its user nothing is written`, async () => {
    const file = await check([lines(ANNA, BEN), text].join("\n"));
    const [wrong, ...more] = file.wrong;
    assert.ok(wrong?.problem.includes(problem), JSON.stringify(file.wrong));
    assert.deepEqual([wrong?.line, more], [text.split("\n").length + 2, []]);
    assert.deepEqual(file.accepted().users.map(({ id }) => id), ["ben"]);
    assert.deepEqual([file.accepted().videos, file.hasStray], [[], false]);
  });
}

Deno.test("all that is wrong with a line is named at once, and nothing that is right", async () => {
  const wrong = { prompt: 7, created_at: "yesterday", completed_at: "2024-01-15", video_url: "a video", colour: "red" };
  const { wrong: [named] } = await check(lines(ANNA, video({ ...wrong, status: "running", credits_used: -1 })));
  assert.deepEqual(named?.problem.split("; ").map((problem) => problem.replace(/(:).*/, "$1")).sort(), [
    "Unrecognized key:",
    "completed_at:",
    "created_at:",
    "credits_used:",
    "prompt:",
    "status:",
    "video_url:",
  ]);
  const { wrong: [late] } = await check(lines(ANNA, video({ created_at: "yesterday" })));
  assert.equal(late?.problem, "created_at: must be a time such as 2024-01-15T10:30:00Z");
});

Deno.test("two old users are not one user of Auth", async () => {
  const file = await check(lines({ type: "user", id: 1, user_id: ID }, { type: "user", id: 2, user_id: ID }));
  assert.deepEqual(file.wrong, [{ line: 2, problem: "user_id: another user of the file has this id" }]);
});

Deno.test("a line that is not UTF-8 may be anybody's, and is named by its number", async () => {
  const bytes = new TextEncoder().encode(lines(ANNA, video(), BEN));
  bytes[bytes.indexOf(10) + 5] = 0xff;
  const file = await check(bytes);
  assert.deepEqual([file.wrong, file.hasStray], [[{ line: 2, problem: "is not UTF-8" }], true]);
  assert.equal(file.users.size, 2);
});

Deno.test("lines end where their newline is, however the file is read", async () => {
  const settings = { text: "ş😀".repeat(40_000) };
  const long = video({ settings });
  const file = await check(`\uFEFF${lines(ANNA, long, long)}\r\n\r\n${lines(BEN)}\n`);
  assert.deepEqual(file.wrong, [{ line: 3, problem: "this video has another line" }]);
  assert.deepEqual([...file.videos.values()].map((line) => line.settings), [settings]);
  assert.equal(file.users.size, 2);
});
