// The commands' own guards: a paid video is kept, and no other project's database is written to.
import type { Mutation } from "./mutation.ts";

const OUTPUT = "local/cli/output-file.ts";
const DATABASE = "local/cli/own-database.ts";
const demo = (name: string) => ({ file: "local/commands/demo_test.ts", name });
const database = (name: string) => ({ file: "local/cli/own-database_test.ts", name });

export const localMutations: readonly Mutation[] = [
  {
    name: "the trial of the demo's output",
    guard: "A video that cannot be kept is not paid for.",
    file: OUTPUT,
    find: "await Deno.writeFile(part, new Uint8Array(1), { createNew: true });",
    replace: "",
    test: demo("the demo tries where the video goes before it starts or pays for anything"),
  },
  {
    name: "the refusal of a database that holds something else",
    guard: "Reelmint makes tables, roles and triggers only in an empty database or its own.",
    file: DATABASE,
    find: "if (foreign.length === 0) return undefined;",
    replace: "if (foreign.length >= 0) return undefined;",
    test: database("a database with other tables is not touched; an empty one and our own are taken"),
  },
  {
    name: "the file as the only source of a database's name",
    guard: "A variable of the shell may name the database of another project.",
    file: DATABASE,
    find: "flags.database ?? dotenv.DATABASE_URL;",
    replace: 'flags.database ?? dotenv.DATABASE_URL ?? Deno.env.get("DATABASE_URL");',
    test: database("the shell's DATABASE_URL is never taken"),
  },
];
