/** One change of one file, whose `find` occurs in it exactly once. */
export interface Edit {
  file: string;
  find: string;
  replace: string;
}

/** A guard of money that is taken away, and the test that must notice. */
export interface Mutation extends Edit {
  name: string;
  /** What the guard protects. */
  guard: string;
  /** The other guards of the same thing, taken away with it: alone each is backed by the others. */
  also?: readonly Edit[];
  test: NamedTest;
}

/** A test of a `_test.ts` file, or of a pgTAP file. */
export interface NamedTest {
  file: string;
  name: string;
}

/** The state machine, which also refuses what many a mutation does, with an error that ends the file before the test. */
export const STATE_MACHINE_OFF: Edit = {
  file: "supabase/migrations/20261121000160_job_states.sql",
  find: "when ((old.status, old.stage) is distinct from (new.status, new.stage))",
  replace: "when (false)",
};

/** Takes the guard away in the project at `folder`. Throws where the list and the project have grown apart. */
export async function applyMutation(folder: string, mutation: Mutation): Promise<void> {
  for (const { file, find, replace } of [mutation, ...mutation.also ?? []]) {
    const [before = "", ...after] = (await Deno.readTextFile(`${folder}/${file}`)).split(find);
    if (after.length !== 1) throw new StaleMutation(`${file} has ${after.length} times\n${find}`);
    await Deno.writeTextFile(`${folder}/${file}`, [before, ...after].join(replace));
  }
}

/** A mutation whose text is no longer in its file, or more than once. */
export class StaleMutation extends Error {
  override readonly name = "StaleMutation";
}
