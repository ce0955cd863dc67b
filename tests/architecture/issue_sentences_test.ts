import assert from "node:assert/strict";
import { projectPath } from "../../local/machine/project.ts";
import { translateIssue } from "../../supabase/functions/_shared/errors/issues.ts";
import { listFiles } from "../support/files.ts";

/** Words of our English sentences that are in no Turkish or Spanish one. */
const ENGLISH = /\b(must|not|be|is|it|the|an|of|or|and|to|required|this|with|without|which|takes?|list|text|number)\b/i;

/** The texts of the files below a folder whose names have this ending. */
async function readFiles(folder: string, ending: string): Promise<string[]> {
  const paths = (await listFiles(folder, ending))
    // Messages about the environment and the catalogue's rows go to the operator, in English.
    .filter((path) => !/_test|issues\.ts|environment\.ts|_checks\.sql/.test(path));
  return await Promise.all(paths.map((path) => Deno.readTextFile(projectPath(path))));
}

/** The sentences of issues in the sources, with a 7 wherever a value is put in. */
async function sentencesInSources(): Promise<string[]> {
  const sources = [
    ...await readFiles("supabase/functions", ".ts"),
    ...await readFiles("supabase/migrations", ".sql"),
  ];
  const sentences = sources.flatMap((
    source,
  ) => [...source.matchAll(/(["`'])((?:must|required|not (?:a field|a setting|taken|valid))\b.*?)\1/g)]);
  return sentences.map(([, , sentence = ""]) => sentence.replaceAll(/\$\{[^}]*\}|%s/g, "7").replace(/: $/, ": 7"))
    .filter((sentence) => sentence.includes(" "));
}

Deno.test("every sentence of an issue in the sources is translated, without a word of English left", async () => {
  const sentences = await sentencesInSources();
  assert.ok(sentences.length > 40, `only ${sentences.length} sentences found`);
  for (const message of sentences) {
    for (const language of ["tr", "es"] as const) {
      const translated = translateIssue({ path: "", message }, language).message;
      assert.notEqual(translated, message, `no translation: ${message}`);
      // Names of fields and paths are the same in every language.
      assert.doesNotMatch(translated.replaceAll(/POST \/\S+|"?next_cursor"?|\b\w+_\w+\b/g, ""), ENGLISH, translated);
      assert.doesNotMatch(translated, /\{\w+\}/);
    }
    assert.equal(translateIssue({ path: "", message }, "en").message, message);
  }
});
