import assert from "node:assert/strict";
import { cpuTimes, readStat } from "./cpu.ts";

Deno.test("a process's line is read whatever its name is", () => {
  const line = "42 (a) b (c) S 7 42 42 0 -1 4194304 100 0 0 0 11 5 2 1 20 0 1 0 100 1000 10 1";
  assert.deepEqual(readStat(line), { pid: 42, parent: 7, name: "a) b (c", milliseconds: 190 });
  assert.equal(readStat(""), undefined);
});

Deno.test({
  name: "the CPU time of a child belongs to its own part, and that of the parent grows with work",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const child = new Deno.Command("sh", { args: ["-c", "while :; do :; done"] }).spawn();
    try {
      const read = () => cpuTimes(({ pid }) => pid === Deno.pid ? "parent" : pid === child.pid ? "child" : undefined);
      const before = await read();
      const end = performance.now() + 200;
      while (performance.now() < end);
      const after = await read();
      for (const part of ["parent", "child"]) assert.ok((after?.get(part) ?? 0) > (before?.get(part) ?? 0), part);
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
  },
});
