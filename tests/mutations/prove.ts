import { projectPath } from "../../local/machine/project.ts";
import { applyMutation, type Mutation, type NamedTest, StaleMutation } from "./mutation.ts";
import { ALL_PARTS, copyProject, DATABASE_PARTS } from "./project-copy.ts";
import { isPgTap, type Outcome, startTestRunner, type TestRunner } from "./run-test.ts";

/**
 * What became of a mutation. `killed`: its test failed. `survived`: its test passed. `stale`: the list and the project have
 * grown apart. `unproved`: its test did not come to an end with it, or fails without it too.
 */
export interface Proof {
  name: string;
  guard: string;
  test: NamedTest;
  verdict: "killed" | "survived" | "stale" | "unproved";
  detail: string;
  seconds: number;
}

/** Tests at a time: each of the slow ones starts a whole stack. */
const AT_ONCE = 2;

/** Proves each mutation, and that each of the tests passes by itself. */
export async function prove(
  mutations: readonly Mutation[],
  onProgress: (done: number, all: number, text: string) => void,
): Promise<Proof[]> {
  const temporary = await Deno.makeTempDir({ prefix: "reelmint-mutations-" });
  try {
    // Copied once: changes of the project meanwhile have no effect here.
    const original = await copyProject(projectPath("."), temporary, ALL_PARTS);
    const runner = await startTestRunner();
    try {
      return await proveAll({ runner, temporary, original }, mutations, onProgress);
    } finally {
      await runner.stop();
    }
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

interface Workshop {
  runner: TestRunner;
  temporary: string;
  original: string;
}

async function proveAll(
  workshop: Workshop,
  mutations: readonly Mutation[],
  onProgress: (done: number, all: number, text: string) => void,
): Promise<Proof[]> {
  const tests = new Map(mutations.map(({ test }) => [keyOf(test), test]));
  const sound = new Map<string, Outcome>();
  const proofs: Proof[] = [];
  const works = [
    ...Array.from(tests, ([key, test]) => async () => {
      const outcome = await workshop.runner.run(workshop.original, test);
      sound.set(key, outcome);
      return `${outcome.outcome}, unchanged: ${test.name}`;
    }),
    ...mutations.map((mutation, place) => async () => {
      const proof = await proveOne(workshop, mutation);
      proofs[place] = proof;
      return `${proof.verdict}: ${proof.name}`;
    }),
  ];
  let done = 0;
  await runAtOnce(AT_ONCE, works, (text) => onProgress(++done, works.length, text));
  return proofs.map((proof) => doubt(proof, sound.get(keyOf(proof.test))));
}

/** A test that fails without the mutation too proves nothing. */
function doubt(proof: Proof, unchanged: Outcome | undefined): Proof {
  if (unchanged?.outcome === "passed" || proof.verdict === "stale") return proof;
  const why = unchanged?.outcome === "not run" ? unchanged.why : "";
  return { ...proof, verdict: "unproved", detail: `Its test does not pass without the mutation either. ${why}` };
}

async function proveOne(workshop: Workshop, mutation: Mutation): Promise<Proof> {
  const begin = performance.now();
  const { name, guard, test } = mutation;
  const { verdict, detail } = await judge(workshop, mutation);
  return { name, guard, test, verdict, detail, seconds: (performance.now() - begin) / 1000 };
}

async function judge(
  { runner, temporary, original }: Workshop,
  mutation: Mutation,
): Promise<Pick<Proof, "verdict" | "detail">> {
  const folder = await copyProject(original, temporary, isPgTap(mutation.test) ? DATABASE_PARTS : ALL_PARTS);
  try {
    await applyMutation(folder, mutation);
    const outcome = await runner.run(folder, mutation.test);
    switch (outcome.outcome) {
      case "failed":
        return { verdict: "killed", detail: "" };
      case "passed":
        return { verdict: "survived", detail: `${mutation.guard} No test noticed: "${mutation.test.name}" passed.` };
      case "not run":
        return { verdict: "unproved", detail: outcome.why };
    }
  } catch (error) {
    if (!(error instanceof StaleMutation)) throw error;
    return { verdict: "stale", detail: error.message };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runAtOnce(
  count: number,
  works: readonly (() => Promise<string>)[],
  onDone: (text: string) => void,
): Promise<void> {
  const waiting = works.values();
  const work = async () => {
    for (const next of waiting) onDone(await next());
  };
  await Promise.all(Array.from({ length: count }, work));
}

function keyOf({ file, name }: NamedTest): string {
  return `${file}\n${name}`;
}
