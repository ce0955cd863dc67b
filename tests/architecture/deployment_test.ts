// What Supabase deploys: each function has its entry and its packages, and keeps to the shared modules.
import { parse as parseToml } from "@std/toml/parse.js";
import assert from "node:assert/strict";
import { z } from "zod";
import { projectPath } from "../../local/machine/project.ts";
import { isProduction, readSources, type Source } from "../support/sources.ts";

const FUNCTIONS = "supabase/functions";
const SHARED = `${FUNCTIONS}/_shared`;

const importMapSchema = z.object({ imports: z.record(z.string(), z.string()) });
const configSchema = z.object({
  functions: z.record(
    z.string(),
    z.object({ verify_jwt: z.boolean(), import_map: z.string(), entrypoint: z.string() }),
  ),
});

const deployed = (await readSources(FUNCTIONS)).filter(isProduction);
const endpoints = (await Array.fromAsync(Deno.readDir(projectPath(FUNCTIONS))))
  .filter((entry) => entry.isDirectory && entry.name !== "_shared").map((entry) => entry.name).sort();

Deno.test("what is deployed imports no file from outside", () => {
  for (const { path, imports } of deployed) {
    assert.deepEqual(imports.filter((target) => isOurs(target) && !target.startsWith(`${FUNCTIONS}/`)), [], path);
  }
});

Deno.test("a function names no provider", () => {
  // OpenV's own paths name RunPod, and its endpoints at RunPod report to one of them.
  const elsewhere = [SHARED, `${FUNCTIONS}/openv/`];
  for (const { path, text } of deployed.filter(({ path }) => elsewhere.every((folder) => !path.startsWith(folder)))) {
    assert.doesNotMatch(text, /\bfal\b|Fal(?![a-z])|falai|FAL_|runpod|RunPod|\bveo\b|Veo|\brendi\b|Rendi/, path);
  }
});

Deno.test("the environment is read in environment.ts alone, and the console written in log.ts alone", () => {
  for (const { path, text } of deployed) {
    if (path !== `${SHARED}/runtime/environment.ts`) assert.doesNotMatch(text, /\bDeno\.env\b|\bprocess\.env\b/, path);
    if (path !== `${SHARED}/runtime/log.ts`) assert.doesNotMatch(text, /\bconsole\.\w+\(/, path);
  }
});

Deno.test("every function has its entry in config.toml, and there is no other", async () => {
  const config = configSchema.parse(parseToml(await Deno.readTextFile(projectPath("supabase/config.toml"))));
  assert.deepEqual(Object.keys(config.functions).sort(), endpoints);
  for (const endpoint of endpoints) {
    assert.deepEqual(config.functions[endpoint], {
      verify_jwt: false,
      import_map: `./functions/${endpoint}/deno.json`,
      entrypoint: `./functions/${endpoint}/index.ts`,
    });
  }
});

Deno.test("a function's deno.json has every package that it needs, at the version of the project", async () => {
  const project = await readImportMap("deno.json");
  for (const endpoint of endpoints) {
    const own = await readImportMap(`${FUNCTIONS}/${endpoint}/deno.json`);
    for (const [name, target] of Object.entries(own)) assert.equal(target, project[name], `${endpoint}: ${name}`);
    const missing = packagesOf(`${FUNCTIONS}/${endpoint}/index.ts`).filter((name) => !(name in own));
    assert.deepEqual(missing, [], endpoint);
  }
});

Deno.test("no function imports a provider's adapter, or its client, before it is used", () => {
  for (const endpoint of endpoints) {
    const early = [...reachedBy(`${FUNCTIONS}/${endpoint}/index.ts`, importedAtOnce)];
    assert.deepEqual(early.filter((path) => path.endsWith("-adapter.ts") || path === "@fal-ai/client"), [], endpoint);
  }
});

Deno.test("the functions that apps call most do not import at once what few requests need", () => {
  for (const endpoint of ["generate-video", "get-video-status", "videos"]) {
    const early = reachedBy(`${FUNCTIONS}/${endpoint}/index.ts`, importedAtOnce);
    const parts = ["jobs/advance", "jobs/deliver", "jobs/drawn-subtitles", "jobs/uploads", "http/third-party-tokens"];
    for (const part of [...parts, "database/identities", "database/leases"]) {
      assert.ok(!early.has(`${SHARED}/${part}.ts`), `${endpoint}: ${part}`);
    }
  }
});

/** The imports of a file that are made when it is, and not by `await import(…)`. */
function importedAtOnce({ text, imports }: Source): string[] {
  const later = [...text.matchAll(/\bimport\("([^"]+)"\)/g)].map(([, target = ""]) => target.replace(/^[./]+/, ""));
  return imports.filter((target) => !later.some((path) => target.endsWith(path)));
}

/** The packages that a file needs, with those of every file that it reaches. */
function packagesOf(entry: string): string[] {
  return [...reachedBy(entry, ({ imports }) => imports)].filter((target) =>
    !isOurs(target) && !target.startsWith("node:")
  );
}

/** A file, and all files and packages that it reaches by these imports. */
function reachedBy(entry: string, importsOf: (source: Source) => string[]): Set<string> {
  const reached = new Set([entry]);
  for (const path of reached) {
    const source = deployed.find((one) => one.path === path);
    for (const target of source === undefined ? [] : importsOf(source)) reached.add(target);
  }
  return reached;
}

function isOurs(target: string): boolean {
  return target.endsWith(".ts") || target.endsWith(".js") || target.endsWith(".json");
}

async function readImportMap(path: string): Promise<Record<string, string>> {
  return importMapSchema.parse(JSON.parse(await Deno.readTextFile(projectPath(path)))).imports;
}
