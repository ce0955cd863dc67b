import type { Sql } from "postgres";
import { ClientCache } from "../model/client-cache.ts";
import { WELCOME_CREDITS } from "../model/limits.ts";
import type { User } from "../model/user.ts";
import type { Sequencer } from "../runtime/sequencer.ts";
import type { Random } from "../runtime/random.ts";
import { Violation } from "../runtime/violation.ts";

export interface UserMaker {
  sql: Sql;
  random: Random;
  sequencer: Sequencer;
}

/** Creates a user. `comesBackAs` is the address of a user who signs up again after deleting their account. */
export async function createUser(
  { sql, random, sequencer }: UserMaker,
  index: number,
  comesBackAs?: string,
): Promise<User> {
  const id = random.uuid();
  const email = comesBackAs ?? `${id}@gmail.com`;
  await sequencer.inTurn(async () => {
    await sql`insert into auth.users (id, email, email_confirmed_at) values (${id}, ${email}, private.clock())`;
    const [account] = await sql`select credits_remaining from credit_balances where user_id = ${id}`;
    const expected = comesBackAs === undefined ? WELCOME_CREDITS : 0;
    if (Number(account?.credits_remaining) !== expected) {
      throw new Violation(`${email} began with ${account?.credits_remaining} credits instead of ${expected}`);
    }
  });
  return {
    index,
    id,
    email,
    uploads: [],
    keys: 0,
    jobs: [],
    cache: new ClientCache(),
    leaving: false,
    goneSince: Infinity,
  };
}

/** Another spelling of an address with the same mailbox. */
export function respell(email: string, random: Random): string {
  const [name = ""] = email.split(/[+@]/);
  const place = random.whole(1, name.length - 1);
  return random.pick([
    email,
    `${name}+${random.whole(1, 99)}@gmail.com`,
    `${name.slice(0, place)}.${name.slice(place)}@Gmail.com`.replaceAll("..", "."),
    `${name.toUpperCase()}@googlemail.com`,
  ]);
}

/** Keeps `storage.objects` as Storage does: the deletion of an account reads a user's files there. */
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
      select ${bucket}, unnest(${names}::text[]), jsonb_build_object('size', ${bytes}::integer)
      on conflict (bucket_id, name) do update set metadata = excluded.metadata
    `;
  } else {
    await sql`delete from storage.objects where bucket_id = ${bucket} and name = any(${names}::text[])`;
  }
}
