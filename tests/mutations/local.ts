// The commands' own guards: a paid video is kept, and no other project's database is written to.
import type { Mutation } from "./mutation.ts";

const OUTPUT = "local/cli/output-file.ts";
const DATABASE = "local/cli/own-database.ts";
const demo = (name: string) => ({ file: "local/commands/demo_test.ts", name });
const database = (name: string) => ({ file: "local/cli/own-database_test.ts", name });
const ACCESS = "local/supabase/realtime/change-access.ts";
const changes = (name: string) => ({ file: "tests/api/realtime_changes_test.ts", name });

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
  {
    name: "the role in which a changed row is read",
    guard: "Local Realtime sends a row to those only whom the policies let read it.",
    file: ACCESS,
    find: "await transaction`select set_config('role', ${claims.role}, true)`;",
    replace: "",
    test: changes("a stranger and an app without a user receive nothing"),
  },
  {
    name: "the look at a changed row under the policies",
    guard: "Local Realtime sends a row to those only whom the policies let read it.",
    file: ACCESS,
    find: "if (seen.length === 0) return null;",
    replace: "",
    test: changes("a filter that names another user's rows shows none of them"),
  },
];
