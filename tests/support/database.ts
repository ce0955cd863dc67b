import { prepareDatabase } from "../../local/postgres/database.ts";
import { type Postgres, startPostgres } from "../../local/postgres/postgres.ts";
import { databaseTemplate } from "./database-template.ts";

/** Starts a database with the project's tables and catalogue. */
export async function startDatabase(): Promise<Postgres> {
  const server = await startPostgres({ template: databaseTemplate() });
  try {
    await prepareDatabase(server.url);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}
