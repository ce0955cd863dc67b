import postgres from "postgres";

/** From its submission until it is seen to have ended, by a poll every two seconds. */
const SIMULATED_RUN_SECONDS = 4;

/**
 * Offers the models of simulated providers, which the seed holds back because they need a key or an endpoint of one's own.
 * Only those: a model that somebody took out of the catalogue stays out. And says how long simulated runs take, since the
 * catalogue tells of real ones.
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
    await sql`
      insert into private.run_times (provider, model, seconds)
      select provider, provider_model_id, ${SIMULATED_RUN_SECONDS}
      from (
        select provider, provider_model_id from models
        union select provider, provider_model_id from pipeline_steps) as runs
      where provider = any(${[...providers]})
      on conflict do nothing`;
  } finally {
    await sql.end();
  }
}
