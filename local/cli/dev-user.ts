import postgres from "postgres";
import type { Api, User } from "./api.ts";
import type { DevState } from "./dev-state.ts";
import type { Stack } from "../stack/stack.ts";
import { readClaims, signToken } from "../supabase/tokens.ts";

const EMAIL = "dev@reelmint.example";
const PASSWORD = "reelmint-dev";
/** Longer than a day: developers paste the token into programs that do not renew it. */
const TOKEN_SECONDS = 7 * 24 * 3600;

/** The user to develop with. */
export interface DevUser extends User {
  id: string;
  /** Their rows in the database, kept for the next start. */
  rows: NonNullable<DevState["user"]>;
}

/** Signs the user in, with the same id as at the last start. `credits` sets the balance. */
export async function signInDevUser(
  stack: Stack,
  api: Api,
  state: DevState,
  credits: number | undefined,
): Promise<DevUser> {
  const sql = postgres(stack.databaseUrl, { max: 1, onnotice: () => {}, connect_timeout: 10 });
  try {
    if (state.user) await restore(sql, state.user);
    const user = await api.signIn(EMAIL, PASSWORD);
    const claims = readClaims(user.accessToken);
    const id = String(claims.sub);
    if (credits !== undefined) await setCredits(sql, id, credits);
    const exp = Math.floor(Date.now() / 1000) + TOKEN_SECONDS;
    return { ...user, id, accessToken: signToken({ ...claims, exp }, stack.signingKey), rows: await readRows(sql, id) };
  } finally {
    await sql.end();
  }
}

async function restore(sql: postgres.Sql, rows: NonNullable<DevState["user"]>): Promise<void> {
  const [known] = await sql`select from auth.users where email = ${EMAIL}`;
  if (known) return;
  await sql.begin(async (transaction) => {
    await insertRow(transaction, "auth.users", rows.user);
    for (const identity of rows.identities) await insertRow(transaction, "auth.identities", identity);
  });
}

async function insertRow(sql: postgres.TransactionSql, table: string, row: Record<string, unknown>): Promise<void> {
  const columns = await sql<{ name: string }[]>`
    select attname as name from pg_attribute
    where attrelid = ${table}::regclass and attnum > 0 and not attisdropped and attgenerated = ''`;
  const known = sql(columns.map(({ name }) => name).filter((name) => name in row));
  await sql`
    insert into ${sql(table)} (${known})
    select ${known} from jsonb_populate_record(null::${sql(table)}, ${JSON.stringify(row)}::text::jsonb)`;
}

async function readRows(sql: postgres.Sql, id: string): Promise<DevUser["rows"]> {
  const [users, identities] = await Promise.all([
    sql<{ row: Record<string, unknown> }[]>`select to_jsonb(users) as row from auth.users where id = ${id}`,
    sql<
      { row: Record<string, unknown> }[]
    >`select to_jsonb(identities) as row from auth.identities where user_id = ${id}`,
  ]);
  return { user: users[0]?.row ?? {}, identities: identities.map(({ row }) => row) };
}

async function setCredits(sql: postgres.Sql, id: string, credits: number): Promise<void> {
  const [account] = await sql`select credits_remaining from public.credit_balances where user_id = ${id}`;
  const difference = credits - Number(account?.credits_remaining ?? 0);
  if (difference > 0) await sql`select public.add_credits(${id}, ${difference}, 'development')`;
  if (difference < 0) await sql`select public.deduct_credits(${id}, ${-difference}, 'development')`;
}
