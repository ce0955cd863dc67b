// Imports go down only. ARCHITECTURE.md shows the same order.
import assert from "node:assert/strict";
import { isProduction, readSources, type Source, toSource } from "../support/sources.ts";

/** The layers of each folder from top to bottom; the parts of one layer do not import each other. `.` is the files beside them. */
type Layers = readonly (readonly string[])[];

const LAYERS: Readonly<Record<string, Layers>> = {
  "": [["tests"], ["bench"], ["local"], ["supabase"]],
  "supabase/functions/": [
    [
      "account",
      "advance-jobs",
      "canvas",
      "generate-video",
      "get-video-status",
      "health",
      "openv",
      "provider-webhook",
      "share",
      "transitions",
      "uploads",
      "videos",
    ],
    ["_shared"],
  ],
  "supabase/functions/_shared/": [
    ["jobs"],
    ["http"],
    ["database"],
    ["providers"],
    ["storage"],
    ["errors"],
    ["runtime"],
  ],
  "local/": [["commands"], ["cli"], ["stack"], ["supabase", "postgres", "simulators"], ["machine"]],
  "bench/": [["commands"], ["benchmarks"], ["stack"], ["measure"], ["load", "opponents"]],
  "local/simulators/": [["fal", "rendi", "runpod", "veo"], ["studio"], ["ffmpeg"], ["shared"]],
  "tests/": [
    ["acceptance", "api", "architecture", "commands", "conformance", "platform", "recovery", "security"],
    ["mutations", "simulation"],
    ["support"],
  ],
  "tests/simulation/": [["."], ["workload"], ["checks"], ["world"], ["faults", "model"], ["runtime"]],
};

// The tests beside the code run where everything is at hand.
const sources = (await readSources("supabase", "local", "bench", "tests"))
  .filter((source) => isProduction(source) || source.path.startsWith("tests/"));

/** The part of a folder that a file is in. */
function partOf(folder: string, path: string): string {
  const [part = "", ...rest] = path.slice(folder.length).split("/");
  return rest.length === 0 ? "." : part;
}

/** The imports within a folder that go up, or to the side. */
function upwardImports(folder: string, layers: Layers, sources: readonly Source[]): string[] {
  const layerOf = (path: string) => layers.findIndex((layer) => layer.includes(partOf(folder, path)));
  const mayImport = (from: string, to: string) =>
    partOf(folder, from) === partOf(folder, to) || layerOf(from) < layerOf(to);
  return sources.filter(({ path }) => path.startsWith(folder)).flatMap(({ path, imports }) =>
    imports.filter((target) => target.endsWith(".ts") && target.startsWith(folder) && !mayImport(path, target))
      .map((target) => `${path} -> ${target}`)
  );
}

for (const [folder, layers] of Object.entries(LAYERS)) {
  Deno.test(`in ${folder || "the project"} no import goes up`, () => {
    assert.deepEqual(upwardImports(folder, layers, sources), []);
  });

  Deno.test(`every part of ${folder || "the project"} has its layer`, () => {
    const parts = new Set(
      sources.filter(({ path }) => path.startsWith(folder)).map(({ path }) => partOf(folder, path)),
    );
    assert.deepEqual([...parts].sort(), layers.flat().sort());
  });
}

const SHARED = "supabase/functions/_shared/";

Deno.test("procedures are called in the folder `database` only", () => {
  const callers = sources.filter(({ path, text }) =>
    path.startsWith("supabase/functions/") && /\bcallProcedure\b|\.rpc\(/.test(text)
  ).map(({ path }) => path);
  assert.ok(callers.length > 0);
  assert.deepEqual(callers.filter((path) => !path.startsWith(`${SHARED}database/`)), []);
});

const PLANTED: [what: string, text: string, target: string][] = [
  ["an import of a type", 'import type { Jobs } from "../jobs/start.ts";', `${SHARED}jobs/start.ts`],
  ["an import of several lines", 'import {\n  start,\n  stop,\n} from "../jobs/start.ts";', `${SHARED}jobs/start.ts`],
  ["an import for its effects", 'import "../http/endpoint.ts";', `${SHARED}http/endpoint.ts`],
  ["an import at run time", 'const { start } = await import("../jobs/start.ts");', `${SHARED}jobs/start.ts`],
  ["an export of another file", 'export * from "../jobs/start.ts";', `${SHARED}jobs/start.ts`],
];

for (const [what, text, target] of PLANTED) {
  Deno.test(`${what} that goes up is found`, () => {
    const path = `${SHARED}database/client.ts`;
    const down = toSource(path, 'import { log } from "../runtime/log.ts";\nimport { z } from "zod";');
    const layers = LAYERS[SHARED] ?? [];
    assert.deepEqual(upwardImports(SHARED, layers, [down]), []);
    assert.deepEqual(upwardImports(SHARED, layers, [toSource(path, text)]), [`${path} -> ${target}`]);
  });
}

Deno.test("an import between two parts of one layer is found", () => {
  const source = toSource("local/simulators/veo/routes.ts", 'import { submit } from "../fal/submit.ts";');
  assert.equal(upwardImports("local/simulators/", LAYERS["local/simulators/"] ?? [], [source]).length, 1);
});
