import assert from "node:assert/strict";
import { projectPath } from "../../local/machine/project.ts";
import { applyMutation } from "../mutations/mutation.ts";
import { mutations } from "../mutations/mutations.ts";
import { ALL_PARTS, copyProject } from "../mutations/project-copy.ts";

Deno.test("every mutation fits the project as it is", async () => {
  const temporary = await Deno.makeTempDir();
  try {
    const folder = await copyProject(projectPath("."), temporary, ALL_PARTS);
    for (const mutation of mutations) {
      const files = [mutation, ...mutation.also ?? []].map(({ file }) => file);
      await applyMutation(folder, mutation);
      for (const file of files) await Deno.copyFile(projectPath(file), `${folder}/${file}`);
    }
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
});

Deno.test("every mutation has a name of its own and names a test that is there", async () => {
  const names = mutations.map(({ name }) => name);
  assert.deepEqual(names.filter((name, place) => names.indexOf(name) !== place), []);
  for (const file of new Set(mutations.map(({ test }) => test.file))) {
    assert.ok((await Deno.stat(projectPath(file))).isFile);
  }
});
