import assert from "node:assert/strict";
import { DENO_FLAGS } from "../../machine/deno-flags.ts";
import { processesBelow, runningOf } from "../../machine/processes.ts";
import { projectPath } from "../../machine/project.ts";
import type { FfmpegCommand } from "./engine.ts";
import { findWasmRunner } from "./wasm-runner.ts";

const endless = (timeoutSeconds: number): FfmpegCommand => ({
  arguments: ["-f", "lavfi", "-i", "testsrc=size=640x360", "-f", "null", "-"],
  inputs: {},
  outputs: [],
  timeoutSeconds,
});

/** A process that runs without an end, and says when it has begun. */
const PARENT = `
  import { findWasmRunner } from ${JSON.stringify(import.meta.resolve("./wasm-runner.ts"))};
  const runner = await findWasmRunner(() => {});
  await runner.execute({ arguments: ["-version"], inputs: {}, outputs: [], timeoutSeconds: 60 });
  const run = runner.execute(${JSON.stringify(endless(600))});
  setTimeout(() => console.log("begun"), 1000);
  await run;
`;

async function waitUntil(isSo: () => Promise<boolean>, seconds: number): Promise<boolean> {
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
    if (await isSo()) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

Deno.test("a parent that is killed during a run leaves no process", async () => {
  const parent = new Deno.Command(Deno.execPath(), {
    args: ["eval", ...DENO_FLAGS, "--config", projectPath("deno.json"), PARENT],
    stdout: "piped",
  }).spawn();
  const output = parent.stdout.getReader();
  assert.equal(new TextDecoder().decode((await output.read()).value), "begun\n");
  const below = await processesBelow(parent.pid);
  assert.equal((await runningOf(below)).length, 1);
  parent.kill("SIGKILL");
  await Promise.all([parent.status, output.cancel()]);
  const gone = await waitUntil(async () => (await runningOf(below)).length === 0, 10);
  for (const pid of await runningOf(below)) Deno.kill(pid, "SIGKILL");
  assert.ok(gone, "its ffmpeg runs on");
});

Deno.test("a run without an end ends at its timeout, by itself, and the next one works", async () => {
  const runner = await findWasmRunner(() => {});
  assert.ok(runner !== null, "this test needs npm to fetch @ffmpeg/core");
  try {
    const started = performance.now();
    assert.match(`${(await runner.execute(endless(1))).failure}`, /took longer than 1 s/);
    // The runner would only stop it ten seconds after its timeout.
    assert.ok(performance.now() - started < 8000);
    const version = { ...endless(60), arguments: ["-version"] };
    assert.equal((await runner.execute(version)).failure, null);
  } finally {
    await runner.stop();
  }
});
