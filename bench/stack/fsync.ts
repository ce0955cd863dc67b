import type postgres from "postgres";

/** Makes the server wait until what it commits is on the disk, as hosted servers do. Throw-away servers do not. */
export async function waitForDisk(sql: postgres.Sql): Promise<void> {
  await sql`alter system set fsync = on`;
  await sql`select pg_reload_conf()`;
}
