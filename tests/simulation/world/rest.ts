import type postgres from "postgres";
import { z } from "zod";
import type { World } from "./world.ts";

/** What became of a client's statement: the number of rows that it changed, or the SQLSTATE of its refusal. */
export type Written = { rows: number } | { code: string };

const refusalSchema = z.object({ name: z.literal("PostgresError"), code: z.string() });

/** Runs statements as PostgREST does for a signed-in user: in one transaction, under row level security. */
export async function asUser<Result>(
  { sql, sequencer }: Pick<World, "sql" | "sequencer">,
  userId: string,
  work: (transaction: postgres.TransactionSql) => Promise<Result>,
): Promise<Result> {
  const results: Result[] = [];
  await sequencer.inTurn(() =>
    sql.begin(async (transaction) => {
      await transaction`
        select set_config('request.jwt.claims', ${JSON.stringify({ sub: userId, role: "authenticated" })}, true)`;
      await transaction`set local role authenticated`;
      results.push(await work(transaction));
    })
  );
  const [result] = results;
  if (result === undefined) throw new Error("A transaction without a result");
  return result;
}

/** One statement of a client. */
export async function write(
  world: Pick<World, "sql" | "sequencer">,
  userId: string,
  statement: (transaction: postgres.TransactionSql) => PromiseLike<{ count: number }>,
): Promise<Written> {
  try {
    return { rows: await asUser(world, userId, async (transaction) => (await statement(transaction)).count) };
  } catch (error) {
    const refusal = refusalSchema.safeParse(error).data;
    if (refusal === undefined) throw error;
    return { code: refusal.code };
  }
}
