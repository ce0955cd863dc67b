// The floor plan: imports go down only. ARCHITECTURE.md shows the same order.
import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path/posix";
import { projectPath } from "../../local/machine/project.ts";

/** The rooms of a house from top to bottom; those in one line do not know each other. `.` is the files beside the rooms. */
const HOUSES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "supabase/functions/_shared": [
    ["jobs"],
    ["http"],
    ["database"],
    ["providers"],
    ["storage"],
    ["errors"],
    ["runtime"],
  ],
  "local/simulators": [["fal", "runpod", "veo"], ["shared"]],
  "local": [["commands"], ["cli"], ["stack"], ["supabase", "postgres", "simulators"], ["machine"]],
  "tests/simulation": [["."], ["workload"], ["checks"], ["world"], ["faults", "model"], ["runtime"]],
};

const IMPORT = /(?:\bfrom\s+|\bimport\s*\(?\s*)"(\.[^"]+)"/g;

for (const [house, floors] of Object.entries(HOUSES)) {
  Deno.test(`in ${house} no import runs back up`, async () => {
    const up: string[] = [];
    for (const path of await listSources(house)) {
      const text = await Deno.readTextFile(projectPath(path));
      for (const [, specifier = ""] of text.matchAll(IMPORT)) {
        const target = normalize(join(dirname(path), specifier));
        if (target.startsWith(`${house}/`) && !mayImport(floors, roomOf(house, path), roomOf(house, target))) {
          up.push(`${path} -> ${target}`);
        }
      }
    }
    assert.deepEqual(up, []);
  });

  Deno.test(`every folder of ${house} is a room of the plan`, async () => {
    const rooms = new Set((await listSources(house)).map((path) => roomOf(house, path)));
    assert.deepEqual([...rooms].sort(), floors.flat().sort());
  });
}

function mayImport(floors: readonly (readonly string[])[], from: string, to: string): boolean {
  const floorOf = (room: string) => floors.findIndex((floor) => floor.includes(room));
  return from === to || floorOf(from) < floorOf(to);
}

function roomOf(house: string, path: string): string {
  const [room = "", ...file] = path.slice(house.length + 1).split("/");
  return file.length === 0 ? "." : room;
}

/** What is shipped: tests run where everything is at hand. */
async function listSources(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(projectPath(folder)));
  const sources = await Promise.all(entries.map(async ({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return await listSources(path);
    return name.endsWith(".ts") && !name.endsWith("_test.ts") ? [path] : [];
  }));
  return sources.flat();
}
