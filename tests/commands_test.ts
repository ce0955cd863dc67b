import assert from "node:assert/strict";
import { projectPath } from "../local/project.ts";
import { ALL_PARTS, copyProject } from "./mutations/project-copy.ts";

/** Runs a task as a user does, in this checkout or another. */
async function runTask(args: string[], { config = projectPath("deno.json"), cwd = "/" } = {}) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", `--config=${config}`, ...args],
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("a filter or a file that fits no test fails, and says so", async () => {
  const filtered = await runTask(["test", "tests/import_directions_test.ts", "--filter", "no test has this name"]);
  assert.equal(filtered.code, 2);
  assert.match(filtered.stderr, /No test was run: none fits .*no test has this name/);
  const missing = await runTask(["test", "tests/nothing_test.ts"]);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /There is no file tests\/nothing_test\.ts/);
});

Deno.test("the demo works in a folder with spaces and letters of any language, called from elsewhere, quietly", async () => {
  const parent = await Deno.makeTempDir({ prefix: "reelmint föö bär 日本 " });
  try {
    const copy = await copyProject(projectPath("."), parent, ALL_PARTS);
    const video = `${parent}/a video.mp4`;
    const before = Array.from(Deno.readDirSync(copy), ({ name }) => name).sort();
    const { code, stdout, stderr } = await runTask(["demo", "--json", "--output", video], {
      config: `${copy}/deno.json`,
    });
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).file, video);
    assert.ok((await Deno.stat(video)).size > 0);
    assert.doesNotMatch(stderr, /Download|Warning|build script/);
    assert.deepEqual(Array.from(Deno.readDirSync(copy), ({ name }) => name).sort(), before, "nothing is written there");
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});
