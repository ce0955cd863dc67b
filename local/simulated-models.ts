import postgres from "postgres";

/**
 * Offers the models of simulated providers, which the seed holds back because they need a key or an endpoint of one's own.
 * Only those: a model that somebody took out of the catalogue stays out.
 */
export async function offerModels(databaseUrl: string, providers: readonly string[]): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {}, connect_timeout: 10 });
  try {
    const [catalogue] = await sql`select to_regclass('public.models') as name`;
    // A test may bring migrations of its own.
    if (catalogue?.name === null) return;
    await sql`
      update models set is_available = true, unavailable_reason = null
      where provider = any(${[...providers]}) and unavailable_reason like 'Set % see docs/providers.md'`;
  } finally {
    await sql.end();
  }
}
