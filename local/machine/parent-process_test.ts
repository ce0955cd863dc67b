import assert from "node:assert/strict";
import postgres from "postgres";
import { DENO_FLAGS } from "./deno-flags.ts";
import { processesBelow, runningOf } from "./processes.ts";
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

async function until(condition: () => Promise<boolean>): Promise<void> {
  const limit = Date.now() + 60_000;
  while (!await condition()) {
    assert(Date.now() < limit, "it did not come true within 60 s");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
