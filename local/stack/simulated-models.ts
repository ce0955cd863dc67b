import postgres from "postgres";

/** From the submission until a poll, every two seconds, sees that the run has ended. */
const SIMULATED_RUN_SECONDS = 4;

/**
 * Offers the models of simulated providers. The catalogue holds them back because they need a key or an endpoint; a model
 * that is unavailable for another reason stays so. Also sets how long simulated runs take: the catalogue has the times of
 * real ones.
 */
export async function offerModels(databaseUrl: string, providers: readonly string[]): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {}, connect_timeout: 10 });
  try {
    const [catalogue] = await sql`select to_regclass('public.models') as name`;
    // A test may use other migrations.
    if (catalogue?.name === null) return;
    await sql`
      update models set is_available = true, unavailable_reason = null
      where provider = any(${[...providers]}) and unavailable_reason like 'Set % see docs/providers.md'`;
    await sql`
      insert into private.run_times (provider, model, seconds)
      select provider, provider_model_id, ${SIMULATED_RUN_SECONDS}
      from (
        select provider, provider_model_id from models
        union select provider, provider_model_id from pipeline_tools) as runs
      where provider = any(${[...providers]})
      on conflict do nothing`;
  } finally {
    await sql.end();
  }
}
