import { parse as parseToml } from "@std/toml/parse.js";
import assert from "node:assert/strict";
import { z } from "zod";
import { projectPath } from "../../local/machine/project.ts";

const FUNCTIONS = "supabase/functions";
const SHARED = `${FUNCTIONS}/_shared`;

const importMapSchema = z.object({ imports: z.record(z.string(), z.string()) });
const configSchema = z.object({
  functions: z.record(
    z.string(),
    z.object({ verify_jwt: z.boolean(), import_map: z.string(), entrypoint: z.string() }),
  ),
});

// import "x"; import … from "x"; export … from "x"; import("x").
const IMPORT = /^(?:import|export)\s+(?:[\w*{][^;"'()=]*?\bfrom\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;

/** A source file by its path from the project's root, with what it imports: files of ours as such paths too. */
interface Source {
  path: string;
  text: string;
  imports: string[];
}

const endpoints = (await listEntries(FUNCTIONS))
  .filter((entry) => entry.isDirectory && entry.name !== "_shared").map((entry) => entry.name).sort();
// Tests run where everything is at hand; what is deployed is what counts.
const deployed = (await readSources(FUNCTIONS)).filter(({ path }) => !path.endsWith("_test.ts"));

Deno.test("a function imports only itself and _shared", () => {
  for (const endpoint of endpoints) {
    assertImportsOnly(`${FUNCTIONS}/${endpoint}`, [`${FUNCTIONS}/${endpoint}`, SHARED]);
  }
});

Deno.test("_shared imports nothing of ours but itself", () => assertImportsOnly(SHARED, [SHARED]));

Deno.test("a provider's adapter knows nothing of jobs and the database", () => {
  const adapters = deployed.filter(({ path }) => /_shared\/providers\//.test(path));
  assert.notEqual(adapters.length, 0);
  for (const { path, imports } of adapters) {
    assert.deepEqual(imports.filter((target) => /_shared\/(database|jobs)\.ts$/.test(target)), [], path);
  }
});

Deno.test("a function names no provider", () => {
  for (const { path, text } of deployed.filter(({ path }) => !path.startsWith(SHARED))) {
    assert.doesNotMatch(text, /\bfal\b|Fal(?![a-z])|falai|FAL_|runpod|RunPod|\bveo\b|Veo/, path);
  }
});

Deno.test("the environment is read in environment.ts alone, and the console written in log.ts alone", () => {
  for (const { path, text } of deployed) {
    if (path !== `${SHARED}/runtime/environment.ts`) assert.doesNotMatch(text, /\bDeno\.env\b|\bprocess\.env\b/, path);
    if (path !== `${SHARED}/runtime/log.ts`) assert.doesNotMatch(text, /\bconsole\.\w+\(/, path);
  }
});

Deno.test("the client imports nothing, and the studio only the client", async () => {
  for (const [folder, allowed] of [["client", ["client"]], ["studio", ["studio", "client"]]] as const) {
    for (const { path, imports } of await readSources(folder)) {
      if (!path.includes("_test.")) assert.deepEqual(imports.filter((target) => !isWithin(target, allowed)), [], path);
    }
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

function assertImportsOnly(folder: string, allowed: string[]): void {
  const sources = deployed.filter(({ path }) => isWithin(path, [folder]));
  assert.notEqual(sources.length, 0, folder);
  for (const { path, imports } of sources) {
    assert.deepEqual(imports.filter((target) => isOurs(target) && !isWithin(target, allowed)), [], path);
  }
}

/** The packages that a file needs, with those of every file that it reaches. */
function packagesOf(entry: string): string[] {
  const reached = new Set([entry]);
  for (const path of reached) {
    for (const target of deployed.find((source) => source.path === path)?.imports ?? []) reached.add(target);
  }
  return [...reached].filter((target) => !isOurs(target) && !target.startsWith("node:"));
}

function isOurs(target: string): boolean {
  return target.endsWith(".ts") || target.endsWith(".js") || target.endsWith(".json");
}

function isWithin(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(`${folder}/`));
}

async function readImportMap(path: string): Promise<Record<string, string>> {
  return importMapSchema.parse(JSON.parse(await Deno.readTextFile(projectPath(path)))).imports;
}

async function listEntries(folder: string): Promise<Deno.DirEntry[]> {
  return await Array.fromAsync(Deno.readDir(projectPath(folder)));
}

async function readSources(folder: string): Promise<Source[]> {
  const entries = await listEntries(folder).catch((error) => {
    // The client and the studio need not be there.
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  });
  const sources = await Promise.all(entries.map(async (entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) return entry.name === "node_modules" ? [] : await readSources(path);
    return /\.(ts|tsx|js|mjs)$/.test(path) ? [await readSource(path)] : [];
  }));
  return sources.flat();
}

async function readSource(path: string): Promise<Source> {
  const text = await Deno.readTextFile(projectPath(path));
  const imports = [...text.matchAll(IMPORT)].map(([, fixed, late]) => resolve(path, fixed ?? late ?? ""));
  return { path, text, imports };
}

function resolve(path: string, specifier: string): string {
  return specifier.startsWith(".") ? new URL(specifier, `file:///${path}`).pathname.slice(1) : specifier;
}
