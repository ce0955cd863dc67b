import assert from "node:assert/strict";
import postgres from "postgres";
import { DENO_FLAGS } from "./deno-flags.ts";
import { projectPath } from "./project.ts";

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  Deno.test(`a stack whose parent gets a ${signal} leaves no process and no folder`, async () => {
    const temporary = await Deno.makeTempDir();
    const parent = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", ...DENO_FLAGS, projectPath("local/commands/dev.ts"), "--json"],
      env: { TMPDIR: temporary },
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const [line] = await Array.fromAsync(firstLine(parent.stdout));
    const { url, db_url } = JSON.parse(line ?? "");
    const sql = postgres(db_url, { max: 1, onclose: () => {} });
    const [folder] = await sql<{ data_directory: string }[]>`show data_directory`;
    await sql.end();
    const family = await processesBelow(parent.pid);
    assert(family.length >= 4, "a server for functions, one for the API, a watchdog and PostgreSQL");

    parent.kill(signal);
    const { code } = await parent.status;
    assert.equal(code, signal === "SIGTERM" ? 0 : 137);
    await until(async () => (await runningOf(family)).length === 0);
    await until(async () => (await Array.fromAsync(Deno.readDir(temporary))).length === 0);
    await until(() => Deno.stat(folder?.data_directory ?? "").then(() => false, () => true));
    await assert.rejects(fetch(url));
    await Deno.remove(temporary);
  });
}

async function* firstLine(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n")) return yield text;
  }
}

async function listProcesses(): Promise<{ pid: number; parent: number; state: string }[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-e", "-o", "pid=,ppid=,stat="] }).output();
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => {
    const [pid, parent, state] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), state: state ?? "" };
  });
}

async function processesBelow(root: number): Promise<number[]> {
  const all = await listProcesses();
  const below = (parent: number): number[] =>
    all.filter((process) => process.parent === parent).flatMap(({ pid }) => [pid, ...below(pid)]);
  return below(root);
}

/** Those of these processes that still do something: a zombie only waits for its parent to notice. */
async function runningOf(pids: number[]): Promise<number[]> {
  const all = await listProcesses();
  return pids.filter((pid) => all.some((process) => process.pid === pid && !process.state.startsWith("Z")));
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const limit = Date.now() + 60_000;
  while (!await condition()) {
    assert(Date.now() < limit, "it did not come true within 60 s");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
