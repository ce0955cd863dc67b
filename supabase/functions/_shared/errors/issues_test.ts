import assert from "node:assert/strict";
import { translateIssue } from "./issues.ts";

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
