// Who may do what: one mutation for each revoke, each row level security and each closed policy of the migrations, made
// from their own text, so that those of tomorrow are in the list too.
import { projectPath } from "../../local/machine/project.ts";
import type { Mutation } from "./mutation.ts";

const MIGRATIONS = "supabase/migrations";
const privileges = (name: string) => ({ file: "supabase/tests/privileges.test.sql", name });

const CALLS_NOTHING_ELSE = privileges(
  "a client may ask for a price and a user for their limits, and call nothing else",
);
const NOTHING_FOR_EVERYBODY = privileges("no function is granted to the role public");
const NO_TABLE_CHANGED = privileges(
  "no table but those of the canvas can be changed by a client, and those by users only",
);
const NO_SEQUENCE_SET = privileges("no sequence can be read or set by a client");
const ROW_LEVEL_SECURITY = privileges("every table has row level security");
const FOR_READING = privileges("every policy for clients is for reading, but of the canvas");

const texts = new Map(
  Array.from(Deno.readDirSync(projectPath(MIGRATIONS)), ({ name }) => `${MIGRATIONS}/${name}`).sort()
    .map((file) => [file, Deno.readTextFileSync(projectPath(file))]),
);

/** A mutation for each match in the migrations; the pattern's first group is what is guarded. */
function each(pattern: RegExp, make: (find: string, what: string) => Omit<Mutation, "file" | "find">): Mutation[] {
  return Array.from(texts).flatMap(([file, text]) =>
    Array.from(
      text.matchAll(pattern),
      ([find, what = ""]) => ({ file, find, ...make(find, what.replace(/\(.*/s, "")) }),
    )
  );
}

function nameOf(statement: string): string {
  return /function (\S+?)\(/.exec(statement)?.[1] ?? "";
}

function isForClients(name: string): boolean {
  const granted = RegExp(`^grant execute on function ${RegExp.escape(name)}\\([^;]*\\bto anon\\b`, "m");
  return Array.from(texts.values()).some((text) => granted.test(text));
}

const functions = each(
  /^revoke execute on function (\S+\([^;]*\))\s+from public, anon, authenticated;$/gm,
  (_, what) => ({
    name: `the revoke of ${what}`,
    guard: `Postgres grants a new function to all roles: only the service role may call ${what}.`,
    replace: "",
    test: NOTHING_FOR_EVERYBODY,
  }),
);

// A common mistake: Supabase's default privileges name these two roles, besides the grant to all.
const halves = each(
  /^revoke execute on function (public\.\S+\([^;]*\))\s+from public, anon, authenticated;$/gm,
  (find, what) => ({
    name: `the revoke of ${what} from the clients' own roles`,
    guard: `Supabase grants a new function to anon and authenticated by name: neither may call ${what}.`,
    replace: find.replace("public, anon, authenticated", "public"),
    test: CALLS_NOTHING_ELSE,
  }),
).filter(({ find }) => !isForClients(nameOf(find)));

const tables = each(/^revoke all on (public\.\w+|sequence public\.\w+) from anon, authenticated, service_role;$/gm, (
  _,
  what,
) => ({
  name: `the revoke on ${what}`,
  guard: `Supabase grants everything on a new table to the clients: none of them may write ${what}.`,
  replace: "",
  test: what.startsWith("sequence") ? NO_SEQUENCE_SET : NO_TABLE_CHANGED,
}));

const rows = each(/^alter table (\S+) enable row level security;$/gm, (_, what) => ({
  name: `row level security of ${what}`,
  guard: `Without it every policy on ${what} is without effect.`,
  replace: "",
  test: ROW_LEVEL_SECURITY,
}));

const policies = each(/^create policy "[^"]*" on (\S+)\s+for all to service_role/gm, (find, what) => ({
  name: `the policy that closes ${what}`,
  guard: `Only the service role reads or writes ${what}.`,
  replace: find.replace("to service_role", "to public"),
  test: FOR_READING,
}));

export const privilegeMutations: readonly Mutation[] = [...functions, ...halves, ...tables, ...rows, ...policies];
