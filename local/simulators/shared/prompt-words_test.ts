import assert from "node:assert/strict";
import { isOutcomeName } from "../fal/outcomes.ts";
import { FAL_VOCABULARY } from "../fal/words.ts";
import { RUNPOD_VOCABULARY } from "../runpod/words.ts";
import { RENDI_VOCABULARY } from "../rendi/words.ts";
import { VEO_VOCABULARY } from "../veo/words.ts";
import { alone, PromptScripts, type Vocabulary, withCount, withSize, withTime } from "./prompt-words.ts";
import { COMMON_WORDS } from "./script.ts";

interface Script {
  times?: number;
  hang?: boolean;
  runMs?: number;
  bytes?: number;
  failure?: string;
  webhook?: { lost?: boolean; copies?: number };
}

const vocabulary: Vocabulary<Script> = {
  provider: "test",
  failing: (failure) => ({ failure }),
  words: {
    times: withCount((times) => ({ times })),
    hang: alone({ hang: true }),
    run: withTime((runMs) => ({ runMs })),
    size: withSize((bytes) => ({ bytes })),
    lost: alone({ webhook: { lost: true } }),
    copies: withCount((copies) => ({ webhook: { copies } })),
  },
};

const unknown = (word: string) => ({ failure: `The test simulator does not know the word "${word}"` });

const CASES: [prompt: string, script: Script | undefined][] = [
  ["a fox", undefined],
  ["a fox [test: ] [other: hang]", undefined],
  ["[TEST: Hang, run=1.5s; size=2kb]", { hang: true, runMs: 1500, bytes: 2000 }],
  ["[test: run=300ms] a fox [test: run=2m]", { runMs: 120_000 }],
  ["[test: run=5]", { runMs: 5000 }],
  ["[test: lost copies=3]", { webhook: { lost: true, copies: 3 } }],
  ["[test: hnag]", unknown("hnag")],
  ["[test: hang=1]", unknown("hang=1")],
  ["[test: run]", unknown("run")],
  ["[test: run=soon]", unknown("run=soon")],
  ["[test: copies=0]", unknown("copies=0")],
  ["[test: constructor]", unknown("constructor")],
];

for (const [prompt, script] of CASES) {
  Deno.test(`the script of "${prompt}" is ${JSON.stringify(script)}`, () => {
    assert.deepEqual(new PromptScripts(vocabulary).take(prompt), script);
  });
}

Deno.test("with times, the words of a bracket count so often, are left out once, and count anew", () => {
  const scripts = new PromptScripts(vocabulary);
  const take = () => scripts.take("[test: run=1s] [test: hang times=2]")?.hang ?? false;
  assert.deepEqual([take(), take(), take(), take()], [true, true, false, true]);
  assert.equal(scripts.take("[test: hang times=2] another prompt")?.hang, true);
});

Deno.test("every word stands in the table of its README, and every word of a table exists", async () => {
  const common = namesOf(Object.keys(COMMON_WORDS));
  assert.deepEqual(await listWords("README.md"), common);
  for (const { provider, words } of [FAL_VOCABULARY, RENDI_VOCABULARY, RUNPOD_VOCABULARY, VEO_VOCABULARY]) {
    const own = namesOf(Object.keys(words)).filter((word) => !common.includes(word));
    const listed = await listWords(`${provider}/README.md`);
    assert.deepEqual(listed.filter((word) => !own.includes(word)), [], `${provider}: in the table alone`);
    // The table of fal names only some of fal's own error types.
    const missing = own.filter((word) => !listed.includes(word) && !isOutcomeName(word));
    assert.deepEqual(missing, [], `${provider}: not in the table`);
  }
});

/** The words in the first column of a README's table of words. */
async function listWords(file: string): Promise<string[]> {
  const text = await Deno.readTextFile(new URL(`../${file}`, import.meta.url));
  const [, table = ""] = text.split(/\n\| Word .*\n/);
  const rows = table.split("\n\n")[0]?.split("\n") ?? [];
  const words = rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`([a-z]\w*)/g)].map(([, word = ""]) => word)
  );
  return namesOf(words);
}

/** Without repeats and in order; words that differ in a code alone count as one. */
function namesOf(words: readonly string[]): string[] {
  return [...new Set(words.map((word) => word.replace(/_\d+$/, "_CODE")))].sort();
}
