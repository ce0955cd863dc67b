import assert from "node:assert/strict";
import { dirname } from "node:path";
import { DENO_FLAGS } from "../../machine/deno-flags.ts";
import { processesBelow, runningOf } from "../../machine/processes.ts";
import { projectPath } from "../../machine/project.ts";
import type { FfmpegCommand } from "./engine.ts";
import { HEAVY_PACKAGES, packageFile } from "./packages/package-file.ts";
import { findWasmRunner, WasmRunner } from "./wasm-runner.ts";

const endless = (timeoutSeconds: number): FfmpegCommand => ({
  arguments: ["-f", "lavfi", "-i", "testsrc=size=640x360", "-f", "null", "-"],
  inputs: {},
  outputs: [],
  timeoutSeconds,
});

/** A process that runs something, and says what of it is left when it has stopped its engine. */
const STOPPING = `
  import { findFfmpeg } from ${JSON.stringify(import.meta.resolve("./engine.ts"))};
  import { processesBelow, runningOf } from ${JSON.stringify(import.meta.resolve("../../machine/processes.ts"))};
  const engine = await findFfmpeg();
  await engine.run({ arguments: ["-version"], inputs: {}, outputs: [], timeoutSeconds: 60 });
  const below = await processesBelow(Deno.pid);
  await engine.stop();
  console.log(JSON.stringify(await runningOf(below)));
`;

/** A process that runs without an end, and says when it has begun. */
const PARENT = `
  import { findWasmRunner } from ${JSON.stringify(import.meta.resolve("./wasm-runner.ts"))};
  const runner = await findWasmRunner(() => {});
  await runner.execute({ arguments: ["-version"], inputs: {}, outputs: [], timeoutSeconds: 60 });
  const run = runner.execute(${JSON.stringify(endless(600))});
  setTimeout(() => console.log("begun"), 1000);
  await run;
`;

// In processes of their own: all files of tests are one process, with the children of all.
function start(code: string): Deno.ChildProcess {
  const args = ["eval", ...DENO_FLAGS, "--config", projectPath("deno.json"), code];
  return new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
}

async function waitUntil(isSo: () => Promise<boolean>, seconds: number): Promise<boolean> {
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
    if (await isSo()) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

Deno.test("an engine that was stopped leaves no process", async () => {
  const { stdout } = await start(STOPPING).output();
  assert.equal(new TextDecoder().decode(stdout), "[]\n");
});

Deno.test("a parent that is killed during a run leaves no process", async () => {
  const parent = start(PARENT);
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
    const version = { ...endless(60), arguments: ["-version"] };
    // Starts the process, which a busy machine may take seconds for.
    assert.equal((await runner.execute(version)).failure, null);
    const started = performance.now();
    assert.match(`${(await runner.execute(endless(1))).failure}`, /took longer than 1 s/);
    // The runner would only stop it ten seconds after its timeout.
    assert.ok(performance.now() - started < 10_000);
    assert.equal((await runner.execute(version)).failure, null);
  } finally {
    await runner.stop();
  }
});

Deno.test("a process that does not start fails its run, and the next run starts another one", async () => {
  const folder = await Deno.makeTempDir();
  const found = await packageFile(HEAVY_PACKAGES.ffmpeg, "@ffmpeg/core/wasm", () => {});
  assert.ok(found !== null, "this test needs npm to fetch @ffmpeg/core");
  const runner = new WasmRunner(`${folder}/esm/ffmpeg-core.wasm`);
  const version = { ...endless(60), arguments: ["-version"] };
  try {
    assert.match((await runner.execute(version)).log, /ended with code 1 before it listened/);
    await Deno.mkdir(`${folder}/esm`);
    for (const name of ["ffmpeg-core.js", "ffmpeg-core.wasm"]) {
      await Deno.copyFile(`${dirname(dirname(found))}/esm/${name}`, `${folder}/esm/${name}`);
    }
    const { failure, log } = await runner.execute(version);
    assert.equal(failure, null, log);
  } finally {
    await runner.stop();
    await Deno.remove(folder, { recursive: true });
  }
});
