import type { Sql } from "postgres";
import { SAMPLE } from "../../local/fal-simulator/samples.ts";
import type { Bucket } from "./bucket.ts";
import { Mirror } from "./mirror.ts";
import type { User } from "./model.ts";
import type { Order } from "./order.ts";
import type { Random } from "./random.ts";

/** What it takes to make a user. */
export interface UserMaker {
  sql: Sql;
  random: Random;
  bucket: Bucket;
  order: Order;
}

/** Somebody with an account and one uploaded picture. */
export async function createUser({ sql, random, bucket, order }: UserMaker, index: number): Promise<User> {
  const id = random.uuid();
  const uploaded = `${id}/${random.uuid()}.jpg`;
  await order.inTurn(async () => await sql`insert into auth.users (id, email) values (${id}, ${`${id}@example.com`})`);
  await bucket.put(`inputs/${uploaded}`, SAMPLE.bytes.jpg);
  return { index, id, uploaded, keys: 0, jobs: [], mirror: new Mirror(), leaving: false, goneSince: Infinity };
}

/** As Storage keeps it: the deletion of an account looks there for what a user has. */
export async function keepFileTable(
  sql: Sql,
  change: "added" | "removed",
  bucket: string,
  names: string[],
): Promise<void> {
  if (change === "added") {
    await sql`
      insert into storage.objects (bucket_id, name) select ${bucket}, unnest(${names}::text[]) on conflict do nothing
    `;
  } else {
    await sql`delete from storage.objects where bucket_id = ${bucket} and name = any(${names}::text[])`;
  }
}
