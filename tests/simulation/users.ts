import type { Sql } from "postgres";
import { Mirror } from "./mirror.ts";
import type { User } from "./model.ts";
import type { Order } from "./order.ts";
import type { Random } from "./random.ts";

/** What it takes to make a user. */
export interface UserMaker {
  sql: Sql;
  random: Random;
  order: Order;
}

/** Somebody with an account. */
export async function createUser({ sql, random, order }: UserMaker, index: number): Promise<User> {
  const id = random.uuid();
  await order.inTurn(async () => await sql`insert into auth.users (id, email) values (${id}, ${`${id}@example.com`})`);
  return { index, id, uploads: [], keys: 0, jobs: [], mirror: new Mirror(), leaving: false, goneSince: Infinity };
}

/** As Storage keeps it: the deletion of an account looks there for what a user has. */
export async function keepFileTable(
  sql: Sql,
  change: "added" | "removed",
  bucket: string,
  names: string[],
  bytes = 0,
): Promise<void> {
  if (change === "added") {
    await sql`
      insert into storage.objects (bucket_id, name, metadata)
      select ${bucket}, unnest(${names}::text[]), jsonb_build_object('size', ${bytes}::integer) on conflict do nothing
    `;
  } else {
    await sql`delete from storage.objects where bucket_id = ${bucket} and name = any(${names}::text[])`;
  }
}
