import assert from "node:assert/strict";
import { z } from "zod";
import { DENO_FLAGS } from "../../local/machine/deno-flags.ts";
import { processesBelow, runningOf } from "../../local/machine/processes.ts";
import { projectPath } from "../../local/machine/project.ts";

async function runBench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...DENO_FLAGS, projectPath("bench/commands/bench.ts"), ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

const resultSchema = z.strictObject({
  name: z.string(),
  ratios: z.record(z.string(), z.number()),
  figures: z.record(z.string(), z.number()),
});

Deno.test("task bench generate --json prints one line, whose first ratio is that of generate-video and its baseline", async () => {
  const { code, stdout, stderr } = await runBench("generate", "--rounds", "1", "--seconds", "1", "--json");
  assert.equal(code, 0, stderr);
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.length, 1, stdout);
  const { name, ratios } = resultSchema.parse(JSON.parse(lines[0] ?? ""));
  assert.deepEqual([name, Object.keys(ratios)[0]], ["generate", "generate_vs_baseline"]);
  assert.ok((ratios.generate_vs_baseline ?? 0) > 0);
  assert.match(stderr, /round 1 of 1/);
});

Deno.test("task bench lists its benchmarks, and refuses what is none", async () => {
  assert.match((await runBench("--help")).stdout, /generate +More videos are started a second/);
  const unknown = await runBench("nothing");
  assert.deepEqual([unknown.code, unknown.stdout], [2, ""]);
  assert.match(unknown.stderr, /There is no benchmark nothing\. They are generate, /);
  assert.equal((await runBench("generate", "--rounds", "0")).code, 2);
});

Deno.test("Ctrl-C leaves no process behind", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...DENO_FLAGS, projectPath("bench/commands/bench.ts"), "generate", "--rounds", "1"],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let family: number[] = [];
  let notes = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    notes += text;
    if (family.length > 0 || !notes.includes("warming up")) continue;
    family = await processesBelow(child.pid);
    child.kill("SIGINT");
  }
  assert.equal((await child.status).success, false);
  assert.ok(family.length >= 6, "PostgreSQL, Supabase, two processes of functions, the provider and the load");
  const limit = Date.now() + 30_000;
  while ((await runningOf(family)).length > 0) {
    assert.ok(Date.now() < limit, "a process is left");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
});
