import assert from "node:assert/strict";
import { z } from "zod";
import { readArguments } from "../../local/cli/arguments.ts";
import { projectPath } from "../../local/machine/project.ts";
import { ALL_PARTS, copyProject } from "../mutations/project-copy.ts";

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

Deno.test("a filter or a file without a test is an error", async () => {
  const filtered = await runTask([
    "test",
    "tests/architecture/layers_test.ts",
    "--filter",
    "no test has this name",
  ]);
  assert.equal(filtered.code, 2);
  assert.match(filtered.stderr, /No test was run: none fits .*no test has this name/);
  for (const path of ["tests/nothing_test.ts", "nothing"]) {
    const { code, stderr } = await runTask(["test", path]);
    assert.deepEqual([code, stderr.includes(`There is no file ${path}.`)], [2, true], stderr);
  }
  assert.match((await runTask(["test", "README.md"])).stderr, /README\.md is not a file of tests/);
});

Deno.test("tests are named by their files, folders and patterns, and their number is printed", async () => {
  for (
    const name of ["layers", "layers_test", "layers_test.ts", "tests/arch*/lay*", "tests/architecture/layers_test.ts"]
  ) {
    const { code, stderr } = await runTask(["test", name, "--filter", "an import at run time that goes up is found"]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Ran 1 test of 1 file\.$/m);
  }
});

Deno.test("with --watch tests run again after a change, and the database of the run before has ended", async () => {
  const parent = await Deno.makeTempDir();
  const copy = await copyProject(projectPath("."), parent, ALL_PARTS);
  const file = `${copy}/tests/platform/watched_test.ts`;
  await Deno.writeTextFile(file, ENDLESS_TEST);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["task", `--config=${copy}/deno.json`, "test", "--watch", "watched"],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let notes = "";
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) notes += text;
  })();
  try {
    const folder = await until(() => Deno.readTextFile(`${copy}/tests/platform/folder`).catch(() => ""), () => notes);
    await Deno.stat(folder);
    await Deno.writeTextFile(file, 'Deno.test("quick", () => {});');
    await until(() => notes.includes("Ran 1 test of 1 file."), () => notes);
    await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
    await Deno.writeTextFile(file, 'Deno.test("quick", () => {}); Deno.test("too", () => {});');
    await until(() => notes.includes("Ran 2 tests of 1 file."), () => notes);
  } finally {
    child.kill("SIGTERM");
    await Promise.all([child.status, reading]);
    await Deno.remove(parent, { recursive: true });
  }
});

/** Starts a database, writes its folder down, and never ends. */
const ENDLESS_TEST = `
import { startPostgres } from "../../local/postgres/postgres.ts";
import postgres from "postgres";
Deno.test("endless", async () => {
  const { url } = await startPostgres();
  const sql = postgres(url, { max: 1 });
  const [{ data_directory }] = await sql\`show data_directory\`;
  await Deno.writeTextFile(import.meta.dirname + "/folder", data_directory);
  await new Promise(() => setInterval(() => {}, 1000));
});`;

async function until<Value>(condition: () => Value | Promise<Value>, notes: () => string): Promise<Value> {
  const limit = Date.now() + 60_000;
  while (true) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < limit, `it did not come true within 60 s:\n${notes()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

Deno.test("a command refuses an unknown argument before it does anything, and lists its own", async () => {
  for (
    const [args, reason] of [
      [["check", "--fix"], /Unknown flag --fix\. The flags are --help\./],
      [["check", "tests"], /This command takes no arguments/],
      [["types", "--chek"], /Unknown flag --chek\. The flags are --check, --help\./],
      [["demo", "a", "b"], /This command takes one argument: put quotes around the prompt/],
      [["demo", " "], /This command needs a prompt that is not empty/],
      [["dev", "--host", "192.0.2.77"], /192\.0\.2\.77 is not an address of this machine/],
    ] as const
  ) {
    const { code, stdout, stderr } = await runTask([...args]);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, reason);
    assert.doesNotMatch(stderr, /Starting/);
  }
});

Deno.test("an argument that looks like a number is the text that was typed", () => {
  const schema = z.object({ _: z.array(z.string()) });
  assert.deepEqual(readArguments(["007", "1e3"], { boolean: [], string: [] }, schema), { _: ["007", "1e3"] });
});

Deno.test("the usage that a command prints can be pasted where nothing but Node is", async () => {
  for (const task of ["demo", "dev", "test", "check", "types", "simulate", "test:mutations"]) {
    const { code, stdout } = await runTask([task, "--help"]);
    assert.equal(code, 0);
    assert.ok(stdout.includes(`  npx -y deno@2.9.6 task ${task}`), stdout);
    assert.doesNotMatch(stdout, /(?<!npx -y )deno task/);
  }
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
