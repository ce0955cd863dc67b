// docs/errors.md and the tables that the functions answer from say the same.
import assert from "node:assert/strict";
import { jobErrors } from "../../supabase/functions/_shared/errors/job-errors.ts";
import { requestErrors } from "../../supabase/functions/_shared/errors/request-errors.ts";

const page = await Deno.readTextFile(new URL("../../docs/errors.md", import.meta.url));
const [requests = "", jobs = ""] = page.split("## Why a job failed");

/** The rows of the table in a text, cell by cell, without its head. */
function rowsOf(text: string): string[][] {
  return text.split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

Deno.test("docs/errors.md has every error of a request with its status and sentence, and no other", () => {
  const documented = rowsOf(requests).map(([code, status, sentence]) => [code, status, sentence]);
  const real = Object.entries(requestErrors).map(([code, { status, text }]) => [`\`${code}\``, `${status}`, text.en]);
  assert.deepEqual(documented.sort(), real.sort());
});

Deno.test("docs/errors.md has every error of a job with its sentence, and no other", () => {
  const documented = rowsOf(jobs).map(([code, sentence]) => [code, sentence]);
  const real = Object.entries(jobErrors).map(([code, text]) => [`\`${code}\``, text.en]);
  assert.deepEqual(documented.sort(), real.sort());
});

Deno.test("docs/errors.md says of every error what causes it and what the app does", () => {
  const cells = [...rowsOf(requests).map((row) => row.slice(3)), ...rowsOf(jobs).map((row) => row.slice(2))];
  assert.ok(cells.length > 30 && cells.every((row) => row.length === 2 && row.every((cell) => cell.length > 2)));
});
