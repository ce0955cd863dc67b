import postgres from "postgres";
import { z } from "zod";

/** A message that `realtime.send` wrote. */
export interface Broadcast {
  event: string;
  payload: unknown;
}

/** The claims of a token, for the policies of the database. */
export type Claims = { role: string } & Record<string, unknown>;

/** The messages in a database's `realtime.messages`. It holds connections only while a client listens. */
export interface Broadcasts {
  /** Whether the policies on `realtime.messages` let these claims read the topic. */
  mayRead(topic: string, claims: Claims): Promise<boolean>;
  /** Calls the listener with each message to the topic. Returns the way to stop; null where the claims may not read. */
  listen(topic: string, claims: Claims, listener: (broadcast: Broadcast) => void): Promise<(() => void) | null>;
}

type Listeners = Map<string, Set<(broadcast: Broadcast) => void>>;

const rowSchema = z.object({ topic: z.string(), event: z.string(), payload: z.unknown() });

export function createBroadcasts(databaseUrl: string): Broadcasts {
  const listeners: Listeners = new Map();
  let users = 0;
  let connection: Promise<postgres.Sql> | undefined;

  function acquire(): Promise<postgres.Sql> {
    users++;
    return connection ??= connect(databaseUrl, listeners);
  }

  function release(): void {
    users--;
    if (users > 0) return;
    connection?.then((sql) => sql.end({ timeout: 0 })).catch(() => {});
    connection = undefined;
  }

  async function mayRead(topic: string, claims: Claims): Promise<boolean> {
    try {
      return await isVisible(await acquire(), topic, claims);
    } finally {
      release();
    }
  }

  return {
    mayRead,
    async listen(topic, claims, listener) {
      const channel = listeners.get(topic) ?? new Set();
      function stop(): void {
        channel.delete(listener);
        if (channel.size === 0) listeners.delete(topic);
        release();
      }
      const sql = acquire();
      try {
        if (!await isVisible(await sql, topic, claims)) {
          release();
          return null;
        }
      } catch (error) {
        release();
        throw error;
      }
      listeners.set(topic, channel.add(listener));
      return stop;
    },
  };
}

/** Opens a connection that delivers each message to the listeners of its topic. */
async function connect(databaseUrl: string, listeners: Listeners): Promise<postgres.Sql> {
  // One connection besides the listening one, so that messages arrive in the order in which they were sent.
  const sql = postgres(databaseUrl, { max: 1, connect_timeout: 5, onnotice: () => {} });
  async function deliver(id: string): Promise<void> {
    const [row] = await sql`select topic, event, payload from realtime.messages where id = ${id} and private`;
    if (!row) return;
    const { topic, ...broadcast } = rowSchema.parse(row);
    for (const listener of listeners.get(topic) ?? []) listener(broadcast);
  }
  try {
    // A message that cannot be read counts as missed: a broadcast is only a hint.
    await sql.listen("realtime_messages", (id) => void deliver(id).catch(() => {}));
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
  return sql;
}

/** As Realtime does: writes a message to the topic, reads whether the claims' role sees it, and rolls back. */
async function isVisible(sql: postgres.Sql, topic: string, claims: Claims): Promise<boolean> {
  const session = await sql.reserve();
  try {
    await session`begin`;
    const [probe] = await session`
      insert into realtime.messages (topic, extension, private) values (${topic}, 'broadcast', true) returning id`;
    await session`
      select set_config('role', ${claims.role}, true), set_config('realtime.topic', ${topic}, true),
        set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`;
    const seen = await session`select from realtime.messages where id = ${probe?.id}`;
    return seen.length > 0;
  } finally {
    await session`rollback`.catch(() => {});
    session.release();
  }
}
