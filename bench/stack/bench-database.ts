import postgres from "postgres";
import { projectPath } from "../../local/machine/project.ts";
import { prepareDatabase } from "../../local/postgres/database.ts";
import { startPostgres } from "../../local/postgres/postgres.ts";
import type { Effort } from "../measure/benchmark.ts";
import { waitForDisk } from "./fsync.ts";
import { liftLimits } from "./users.ts";

/** A database alone, with our procedures and those written by hand. */
export interface BenchDatabase {
  /** The owner's connections. */
  sql: postgres.Sql;
  /** One connection with the rights of the functions. */
  service: postgres.Sql;
  version: string;
}

/** Starts a database, does the work with it, and stops it. */
export async function withBenchDatabase<Result>(
  { onProgress, fsync }: Pick<Effort, "onProgress" | "fsync">,
  work: (database: BenchDatabase) => Promise<Result>,
): Promise<Result> {
  onProgress("Starting PostgreSQL");
  const server = await startPostgres();
  const connect = (max: number) => postgres(server.url, { max, onnotice: () => {} });
  const [sql, service] = [connect(2), connect(1)];
  try {
    await prepareDatabase(server.url);
    await liftLimits(sql);
    if (fsync) await waitForDisk(sql);
    await sql.unsafe(await Deno.readTextFile(projectPath("bench/opponents/procedures.sql")));
    await service`set role service_role`;
    const [{ server_version: version } = {}] = await sql`show server_version`;
    return await work({ sql, service, version: String(version) });
  } finally {
    await Promise.all([sql.end(), service.end()]);
    await server.stop();
  }
}
