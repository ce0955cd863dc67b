import postgres from "postgres";

/** Tells the database where this stack's functions are: a hosted project reads it from Vault, which is not here. */
export async function tellFunctionsAddress(databaseUrl: string, functionsUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {}, connect_timeout: 10 });
  try {
    const [settings] = await sql`select to_regclass('public.app_settings') as name`;
    // A test may bring migrations of its own.
    if (settings?.name === null) return;
    await sql`update app_settings set public_functions_url = ${functionsUrl}`;
  } finally {
    await sql.end();
  }
}
