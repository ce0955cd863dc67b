// The largest sizes of files and functions, so that a reader can take each in as a whole.
import assert from "node:assert/strict";
import ts from "typescript";
import { isProduction, readSources, type Source, toSource } from "../support/sources.ts";

const FILE_LINES = 300;
const FUNCTION_LINES = 60;
/** Written by `task types`. */
const GENERATED = "supabase/functions/_shared/database/database.types.ts";

const sources = (await readSources("supabase", "local", "bench", "tests")).filter(({ path }) => path !== GENERATED);

/** The functions with too many lines; the lines of a nested function count for the outer one too. */
function longFunctions({ path, text }: Source): string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) {
      const [first, last] = [node.getStart(), node.getEnd()].map((at) => file.getLineAndCharacterOfPosition(at).line);
      const lines = (last ?? 0) - (first ?? 0) + 1;
      if (lines > FUNCTION_LINES) found.push(`${path}:${(first ?? 0) + 1} has ${lines} lines`);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

Deno.test(`no file has more than ${FILE_LINES} lines`, () => {
  const lengths = sources.map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }));
  assert.deepEqual(lengths.filter(({ lines }) => lines > FILE_LINES), []);
});

Deno.test(`no function but of tests has more than ${FUNCTION_LINES} lines`, () => {
  const production = sources.filter(isProduction);
  assert.ok(production.length > 100);
  assert.deepEqual(production.flatMap(longFunctions), []);
});

Deno.test("a function that is too long is found, be it a method, an arrow or in another one", () => {
  const lines = "\n".repeat(FUNCTION_LINES);
  const text = `
    class Some { method() {${lines}} }
    const arrow = () => {${lines}};
    function outer() { return function inner() {${lines}} }
    const short = () => {};`;
  assert.deepEqual(longFunctions(toSource("some.ts", text)).map((found) => found.split(":")[1]), [
    "2 has 61 lines",
    "63 has 61 lines",
    "124 has 61 lines",
    "124 has 61 lines",
  ]);
});
