import postgres from "postgres";

/** Writes the URL of the functions into the database. A hosted project reads it from Vault, which the local stack lacks. */
export async function setFunctionsUrl(databaseUrl: string, functionsUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {}, connect_timeout: 10 });
  try {
    const [settings] = await sql`select to_regclass('public.app_settings') as name`;
    // A test may use other migrations.
    if (settings?.name === null) return;
    await sql`update app_settings set public_functions_url = ${functionsUrl}`;
  } finally {
    await sql.end();
  }
}
