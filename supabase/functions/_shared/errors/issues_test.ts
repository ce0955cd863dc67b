import assert from "node:assert/strict";
import { translateIssue } from "./issues.ts";

/** Words of our English sentences that are in no Turkish or Spanish one. */
const ENGLISH = /\b(must|not|be|is|it|the|an|of|or|and|to|required|this|with|without|which|takes?|list|text|number)\b/i;

/** The texts of the files below a folder whose names have this ending. */
async function readFiles(folder: URL, ending: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) files.push(...await readFiles(new URL(`${name}/`, folder), ending));
    // Messages about the environment and the catalogue's rows go to the operator, in English.
    else if (name.endsWith(ending) && !/_test|issues\.ts|environment\.ts|catalogue_checks|setting_checks/.test(name)) {
      files.push(await Deno.readTextFile(new URL(name, folder)));
    }
  }
  return files;
}

/** The sentences of issues in the sources, with a 7 wherever a value is put in. */
async function sentencesInSources(): Promise<string[]> {
  const sources = [
    ...await readFiles(new URL("../../", import.meta.url), ".ts"),
    ...await readFiles(new URL("../../../migrations/", import.meta.url), ".sql"),
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

const TRANSLATED = [
  ["must be one of: 4, 8, auto", "şunlardan biri olmalı: 4, 8, auto", "debe ser uno de: 4, 8, auto"],
  [
    "must be a whole number from 1 to 60",
    "1 ile 60 arasında bir tam sayı olmalı",
    "debe ser un número entero de 1 a 60",
  ],
  ["must be 1 to 100", "1 ile 100 arasında olmalı", "debe ser de 1 a 100"],
  [
    "must be at most 100 characters for a video of 5 seconds",
    "5 saniyelik bir video için en çok 100 karakter olmalı",
    "debe tener como máximo 100 caracteres para un video de 5 segundos",
  ],
] as const;

for (const [message, tr, es] of TRANSLATED) {
  Deno.test(`"${message}" keeps its values in every language`, () => {
    assert.deepEqual(translateIssue({ path: "duration", message }, "tr"), { path: "duration", message: tr });
    assert.deepEqual(translateIssue({ path: "duration", message }, "es"), { path: "duration", message: es });
  });
}

Deno.test("a sentence without a translation stays in English", () => {
  const issue = { path: "x", message: "must be something else entirely" };
  assert.deepEqual(translateIssue(issue, "tr"), issue);
});
