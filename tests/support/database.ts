import { prepareDatabase } from "../../local/postgres/database.ts";
import { type Postgres, startPostgres } from "../../local/postgres/postgres.ts";
import { databaseParent, databaseTemplate } from "./database-template.ts";

/** Starts a database with the project's tables and catalogue, its data in a folder of `parent`. */
export async function startDatabase(parent = databaseParent()): Promise<Postgres> {
  const server = await startPostgres({ template: databaseTemplate(), dataParent: parent });
  try {
    await prepareDatabase(server.url);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}
