import assert from "node:assert/strict";
import { type Findings, toJson } from "./benchmark.ts";
import { chartOf } from "./chart.ts";
import { compare } from "./comparison.ts";
import { machineOf } from "./machine.ts";
import { spreadOf } from "./statistics.ts";
import { tablesOf } from "./table.ts";

const findings: Findings = {
  comparisons: [
    compare(
      { name: "speed", opponent: "a flow & <more>", unit: "calls/s", goal: { atLeast: 2.5 } },
      [{ ours: 20, theirs: 10 }, { ours: 90, theirs: 30 }],
      (figure) => figure,
    ),
  ],
  figures: [{ name: "peak_mb", what: "memory", unit: "MB", value: spreadOf([8.123]) }],
};

Deno.test("the result for programs has the medians, and beside them both sides and the spread", () => {
  assert.deepEqual(toJson("generate", findings), {
    name: "generate",
    ratios: { speed: 2.5 },
    figures: { speed_lowest: 2, speed_highest: 3, speed_ours: 55, speed_theirs: 20, peak_mb: 8.12 },
  });
});

Deno.test("the tables show each ratio with its spread and its goal, and each figure", () => {
  assert.deepEqual(tablesOf(findings).split("\n").map((line) => line.replaceAll(/ +/g, " ").replaceAll(/-+/g, "-")), [
    "| ours against | unit | ours | theirs | ratio | lowest – highest | goal |",
    "| - | - | - | - | - | - | - |",
    "| a flow & <more> | calls/s | 55 | 20 | 2.5 | 2 – 3 | ≥ 2.5: reached |",
    "",
    "| figure | unit | median | lowest – highest | goal |",
    "| - | - | - | - | - |",
    "| memory | MB | 8.12 | 8.12 – 8.12 | |",
  ]);
});

Deno.test("the chart has a bar for each ratio, and its text is escaped", () => {
  const chart = chartOf("speed", findings.comparisons);
  assert.match(chart, /^<svg [^>]*viewBox/);
  assert.equal(chart.match(/fill="#4f46e5"/g)?.length, 1);
  assert.match(chart, />a flow &amp; &lt;more&gt;</);
});

Deno.test("the machine is described with its cores, memory, system and versions", () => {
  assert.match(machineOf("17.10"), /^\d+ cores of .+, \d+ GiB of memory, .+, Deno 2\.\d+\.\d+, PostgreSQL 17\.10$/);
});
