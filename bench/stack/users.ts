import type postgres from "postgres";

/** More than any benchmark spends. */
export const CREDITS = 1_000_000;

/** Limits that no benchmark meets: a refused request costs less. */
const NO_LIMITS = `
  update app_settings set active_jobs_per_user = 1000000, generations_per_hour = 1000000, circuit_failures = 1000000;
`;

export async function liftLimits(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(NO_LIMITS);
}

/** Makes users with confirmed addresses and credits, and returns their ids. */
export async function insertUsers(sql: postgres.Sql, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => crypto.randomUUID());
  await sql`
    insert into auth.users (id, email, email_confirmed_at, created_at, updated_at)
    select id, id || '@bench.example', now(), now(), now() from unnest(${ids}::uuid[]) as id`;
  await sql`select count(add_credits(id, ${CREDITS}, 'bench')) from unnest(${ids}::uuid[]) as id`;
  return ids;
}
